# Predict and serve on a processor, without PyTorch; about 0.9 GB.
#   docker build -t grasping-student .
#   docker run --rm -p 127.0.0.1:8090:8090 grasping-student          # the token is in the log
# Inside it listens on every address, because a container's loopback cannot be reached from outside. What the host shows
# is decided by -p: 127.0.0.1 keeps it to this machine. Without -p nobody reaches it.
#   docker run --rm -v "$PWD:/data" grasping-student predict --depth depth.npy --intrinsics camera.json \
#       --camera-to-world pose.txt --out predict
FROM python:3.13-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
COPY examples /source/examples
RUN python -m venv /opt/grasping-student \
    && /opt/grasping-student/bin/pip install --no-cache-dir "/source[serve]"

FROM python:3.13-slim
COPY --from=build /opt/grasping-student /opt/grasping-student
ENV PATH=/opt/grasping-student/bin:$PATH HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib PYTHONUNBUFFERED=1
RUN mkdir /data && chown 10001:10001 /data
USER 10001:10001
WORKDIR /data
EXPOSE 8090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8090/readyz', timeout=4)"]
ENTRYPOINT ["grasping-student"]
CMD ["serve", "--host", "0.0.0.0", "--token", "auto"]
