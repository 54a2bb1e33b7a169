#!/bin/sh
file_env 'SIGNING_SECRET'
exec python /app/main.py
