FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    OPSBOARD_DATA_DIR=/data

RUN useradd --system --uid 10001 --home-dir /app opsboard && mkdir -p /data && chown opsboard /data
WORKDIR /app

COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

COPY manage.py ./
COPY opsboard opsboard
COPY listings listings
COPY ads ads
COPY inventory inventory
COPY health health
COPY finance finance
COPY templates templates
COPY static static
COPY locale locale
COPY docker/entrypoint.sh docker/entrypoint.sh

USER opsboard
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz?only=serving', timeout=4)"]
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["web"]
