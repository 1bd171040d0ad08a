// What the HTTP port of a sidecar answers: /metrics, /healthz, and /readyz, which is 200 while the
// supervisor is connected. All else is at the supervisor, and the answer (404) names it.
#ifndef LEHR_SERVER_RELAY_SIDECAR_HTTP_H_
#define LEHR_SERVER_RELAY_SIDECAR_HTTP_H_

#include "server/http/http_message.h"
#include "server/metrics.h"
#include "server/relay/sidecar.h"

namespace lehr {

// Thread-safe.
HttpResponse SidecarHttp(const Sidecar& sidecar, Metrics& metrics, const HttpRequest& request);

}  // namespace lehr

#endif  // LEHR_SERVER_RELAY_SIDECAR_HTTP_H_
