const grpc = require("@grpc/grpc-js");
const { admin } = require("./admin");

// the gateway has its own page
admin.get("/health", (_, response) => response.end("ok"));
new grpc.Server().bindAsync(`0.0.0.0:${process.env.PAYMENTS_GRPC_PORT}`);
