// The one place where our statuses become HTTP's.
#ifndef LEHR_SERVER_HTTP_HTTP_STATUS_H_
#define LEHR_SERVER_HTTP_HTTP_STATUS_H_

#include "absl/status/status.h"

namespace lehr {

// E.g. 404 for NOT_FOUND.
int HttpCode(absl::StatusCode code);

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_HTTP_STATUS_H_
