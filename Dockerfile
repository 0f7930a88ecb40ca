# syntax=docker/dockerfile:1
# Gatehouse in a container: the official slim image of Node 26, production dependencies, the sources as they are written.
# No build step: Node runs TypeScript by taking the types away. docs/operating.md says how to run it.

# The version of Node is the one in package.json; a test holds both together.
ARG NODE_VERSION=26.10

FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without the optional ones: they are Node itself, 211 MB that this image has already. No package has an install script
# that is needed.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.description="HTTP/2 edge gateway for ZITADEL" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
# `gatehouse bench --target URL`: the load, its scenarios and its report, without what starts servers.
COPY bench/load ./bench/load
COPY bench/report ./bench/report
COPY bench/scenarios ./bench/scenarios
# Your own file is mounted over this one; certificate and key are mounted at /etc/gatehouse/tls/tls.crt and tls.key.
COPY config/gateway.yaml /etc/gatehouse/gateway.yaml

ENV NODE_ENV=production \
    GATEHOUSE_CONFIG=/etc/gatehouse/gateway.yaml \
    GATEHOUSE_HEALTH_URL=http://127.0.0.1:9090/live

# The first user of most machines, so that a key of yours (mode 0600) can be read where it is mounted. Nothing is written
# at run time: the root file system may be read-only, and any other user will do.
USER 1000:1000

# HTTPS, and the redirect to it. The admin listener (9090) is for this container only, unless the config says otherwise.
EXPOSE 8443 8080
STOPSIGNAL SIGTERM
# No shell and no curl in this: only Node.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.GATEHOUSE_HEALTH_URL).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node is the process that gets the signals; the image's own entry point is a shell script.
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
