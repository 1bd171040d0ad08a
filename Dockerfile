# docker build -t lehr .                           lehrd and lehr
# docker build -t lehr-train --target trainer .    lehr-train

FROM debian:bookworm-slim AS dependencies
COPY deploy/install-deps /lehr/deploy/
RUN /lehr/deploy/install-deps --build && rm -rf /var/lib/apt/lists/*

FROM dependencies AS build
WORKDIR /lehr
COPY CMakeLists.txt ./
COPY proto proto
COPY server server
COPY client client
COPY trainer trainer
RUN cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DLEHR_TESTS=OFF \
    && cmake --build build --target lehrd lehr lehr-train \
    && strip build/bin/*

FROM debian:bookworm-slim AS runtime
COPY deploy/install-deps /tmp/
RUN /tmp/install-deps --run && rm -rf /tmp/install-deps /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/lehr --create-home lehr
USER lehr
WORKDIR /var/lib/lehr

FROM runtime AS trainer
COPY --from=build /lehr/build/bin/lehr-train /usr/local/bin/
ENTRYPOINT ["lehr-train"]

FROM runtime AS supervisor
COPY --from=build /lehr/build/bin/lehrd /lehr/build/bin/lehr /usr/local/bin/
VOLUME /var/lib/lehr
EXPOSE 7070 7071
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["lehr", "runs"]
# Listens on the container's loopback until it is told otherwise; see deploy/README.md.
ENTRYPOINT ["lehrd", "--data_dir=/var/lib/lehr"]
