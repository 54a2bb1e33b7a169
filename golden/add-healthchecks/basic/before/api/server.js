const app = require("express")();
app.get("/healthz", (request, response) => response.send("ok"));
app.listen(process.env.PORT);
