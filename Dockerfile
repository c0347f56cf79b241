# One container: the app on port 8501, its data in /data.
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt && useradd --system --home /data --create-home kemai
COPY . .
USER kemai
ENV CRM_DATA_DIR=/data
VOLUME /data
EXPOSE 8501
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=5)"]
CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8501", "--no-proxy-headers", "--log-level", "warning"]
