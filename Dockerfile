# An image with composerefactor, Docker Compose and git:
#
#   docker build --tag composerefactor .
#   docker run --rm --network none --user "$(id -u):$(id -g)" \
#       --volume "$PWD:$PWD" --workdir "$PWD" composerefactor analyze
#
# The directory is mounted at its own path, since container hashes depend on paths.

FROM python:3.13-slim AS build
COPY . /source
ENV PIP_CONSTRAINT=/source/constraints.txt
RUN pip wheel --quiet --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim
LABEL org.opencontainers.image.source="https://github.com/composerefactor/composerefactor" \
      org.opencontainers.image.description="Split and fix Docker Compose files" \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=from=build,source=/wheels,target=/wheels \
    --mount=from=build,source=/source/constraints.txt,target=/constraints.txt \
    pip install --quiet --no-cache-dir --constraint /constraints.txt "$(ls /wheels/composerefactor-*.whl)[engine]"
# What `undo` needs, and remembered results; any user may write there. Mount a volume to keep them.
RUN mkdir --mode=1777 /state
ENV HOME=/state XDG_STATE_HOME=/state COMPOSEREFACTOR_CACHE_HOME=/state
VOLUME /state
USER 1000:1000
ENTRYPOINT ["composerefactor"]
CMD ["--help"]
