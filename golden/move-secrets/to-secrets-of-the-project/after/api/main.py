import os

secret = open(os.environ["SESSION_SECRET_FILE"]).read().strip()
