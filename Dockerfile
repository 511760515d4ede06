# The service with its cards, and the invented patients of demo mode (CDS_DEMO=on).
#
#   docker build -t acetylcysteine-cds .
#   docker build -t acetylcysteine-cds --build-arg EXTRA=tracing .    needed for CDS_TRACES_TO
#
# The image does not start without configuration. It listens on 0.0.0.0, and `serve` refuses any address but loopback
# unless clients are listed (CDS_CLIENTS and CDS_PUBLIC_URL), or CDS_AUTH=off says that something in front of the service
# authenticates them. That is for whoever runs it to decide (`docker run -e CDS_CLIENTS=... ...`).

# The base image is named by a tag, which may come to mean another image. To fix it, look its digest up once, keep it with
# your deployment, and give it to each build:
#
#   docker pull python:3.13-slim
#   docker inspect --format '{{index .RepoDigests 0}}' python:3.13-slim     prints python@sha256:…
#   docker build --build-arg PYTHON_DIGEST=@sha256:… .

ARG PYTHON=3.13
ARG PYTHON_DIGEST
ARG EXTRA

# ---------------------------------------------------------------- build: the dependencies from the locks, and the package
FROM python:${PYTHON}-slim${PYTHON_DIGEST} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

ARG EXTRA
COPY requirements/run.lock requirements/tracing.lock requirements/build.lock /tmp/
# The venv has no pip of its own: the image's pip fills it.
RUN python -m venv --without-pip /venv \
 && python -m pip --quiet --python /venv/bin/python install --no-deps --require-hashes --only-binary :all: -r /tmp/run.lock ${EXTRA:+-r /tmp/$EXTRA.lock} \
 && python -m pip --quiet install --no-deps --require-hashes --only-binary :all: -r /tmp/build.lock

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY cds_service ./cds_service
COPY cards ./cards
COPY docs ./docs
COPY fixtures ./fixtures
RUN python -m pip --quiet wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel /src \
 && python -m pip --quiet --python /venv/bin/python install --no-deps --target /app /tmp/wheel/*.whl

# ---------------------------------------------------------------- final
FROM python:${PYTHON}-slim${PYTHON_DIGEST}

# An ARG defined before FROM has to be declared again inside a stage.
ARG PYTHON
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
 && rm -rf /usr/local/lib/python${PYTHON}/ensurepip

ENV PATH=/app/bin:/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Dependencies in a layer of their own, so that they stay cached when only code changes.
COPY --from=build /venv /venv
COPY --from=build /app /app

# Records are stored in a file here unless CDS_DATABASE_URL names PostgreSQL: mount a volume to keep them.
WORKDIR /data
RUN chown 10001:10001 /data

# Numeric, so that Kubernetes can verify that it is not root.
USER 10001:10001
EXPOSE 8000

# Liveness, not readiness: a service without its database still gives guidance and must not be stopped.
# Without proxies from the environment, since the request goes to loopback.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/live', timeout=3)"]

# Any other command in its place: docker run --rm acetylcysteine-cds check
ENTRYPOINT ["cds-service"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
