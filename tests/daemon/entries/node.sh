#!/bin/sh
# Starts what the image is told to.
exec "$@"
