# The dialer's own processes: api, engine, worker, and every other `dialer` command. One image for all.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src

# All of the lock file, so that every hash is checked; only what runs is installed from it below.
COPY requirements.lock ./
RUN pip download --quiet --no-cache-dir --require-hashes --only-binary :all: \
      --dest /wheels --requirement requirements.lock

COPY pyproject.toml README.md ./
COPY admin_api admin_api
COPY asterisk-config asterisk-config
COPY cli cli
COPY crm crm
COPY engine engine
COPY telephony telephony
RUN pip wheel --quiet --no-index --find-links /wheels --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/dialer \
 && /opt/dialer/bin/pip install --quiet --no-index --find-links /wheels asterisk-dialer

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --home-dir /var/lib/dialer --create-home dialer \
 && install -d -o dialer -g dialer /sounds
COPY --from=build /opt/dialer /opt/dialer
ENV PATH=/opt/dialer/bin:$PATH PYTHONUNBUFFERED=1 DIALER_DATA_DIR=/var/lib/dialer
WORKDIR /var/lib/dialer
USER dialer
EXPOSE 8080
ENTRYPOINT ["dialer"]
CMD ["api"]
