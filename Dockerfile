# docker build -t lehr .                           lehrd and lehr
# docker build -t lehr-train --target trainer .    lehr-train, alone or with mpirun over many containers
#
# deploy/compose.yaml uses all targets.

FROM debian:bookworm-slim AS dependencies
COPY deploy/install-deps /lehr/deploy/
RUN /lehr/deploy/install-deps --build && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM dependencies AS build
WORKDIR /lehr
# What the page is built with. Behind a proxy with a CA of its own, that CA is deploy/extra-ca.pem.
COPY server/web/package.json server/web/package-lock.json deploy/extra-ca.pe[m] server/web/
RUN if [ -f server/web/extra-ca.pem ]; then export NODE_EXTRA_CA_CERTS=$PWD/server/web/extra-ca.pem; fi \
    && npm --prefix server/web ci --ignore-scripts --no-audit --no-fund
COPY CMakeLists.txt ./
COPY proto proto
COPY server server
COPY client client
COPY trainer trainer
RUN cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DLEHR_TESTS=OFF \
    && cmake --build build --target lehrd lehr lehr-train \
    && strip build/bin/*

FROM debian:bookworm-slim AS trainer
COPY deploy/install-deps /tmp/
RUN /tmp/install-deps --train && rm -rf /tmp/install-deps /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 10001 --home-dir /var/lib/lehr --create-home --shell /bin/bash lehr
COPY deploy/cluster/mpi-worker deploy/cluster/train-one-after-another /usr/local/bin/
COPY --from=build /lehr/build/bin/lehr-train /usr/local/bin/
USER lehr
WORKDIR /var/lib/lehr
ENTRYPOINT ["lehr-train"]

# A CA for one's own laboratory.
FROM debian:bookworm-slim AS certs
COPY deploy/install-deps /tmp/
RUN /tmp/install-deps --certs && rm -rf /tmp/install-deps /var/lib/apt/lists/* /var/cache/apt/* \
    && mkdir /certs && chown 10001 /certs
COPY deploy/make-certs /usr/local/bin/
USER 10001
VOLUME /certs
ENTRYPOINT ["make-certs", "/certs"]

FROM debian:bookworm-slim AS prometheus
COPY deploy/install-deps /tmp/
RUN /tmp/install-deps --monitor && rm -rf /tmp/install-deps /var/lib/apt/lists/* /var/cache/apt/* \
    && chown prometheus /var/lib/prometheus
COPY deploy/prometheus /etc/lehr
USER prometheus
WORKDIR /var/lib/prometheus
VOLUME /var/lib/prometheus
EXPOSE 9090
ENTRYPOINT ["prometheus", "--config.file=/etc/lehr/cluster.yaml", "--storage.tsdb.path=/var/lib/prometheus"]

FROM debian:bookworm-slim AS supervisor
COPY deploy/install-deps /tmp/
RUN /tmp/install-deps --run && rm -rf /tmp/install-deps /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 10001 --home-dir /var/lib/lehr --create-home lehr
COPY deploy/cluster/is-ready deploy/cluster/what-to-see /usr/local/bin/
COPY --from=build /lehr/build/bin/lehrd /lehr/build/bin/lehr /usr/local/bin/
USER lehr
WORKDIR /var/lib/lehr
VOLUME /var/lib/lehr
EXPOSE 7070 7071
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["is-ready"]
# Listens on the container's loopback until it is told otherwise; see deploy/README.md.
ENTRYPOINT ["lehrd"]
CMD ["--data_dir=/var/lib/lehr"]
