// The query of a URL as the fields of a message:
//
//   v1::GetHistoryRequest request;
//   absl::Status status = FillFromQuery("from_step=100&only_commands=true", request);
#ifndef LEHR_SERVER_HTTP_QUERY_STRING_H_
#define LEHR_SERVER_HTTP_QUERY_STRING_H_

#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"

namespace lehr {

// Sets the named fields: integers, bools (true, false) and strings. INVALID_ARGUMENT, with the name
// and the value, for a name that is no such field or comes twice, for a field that is set already,
// and for a value that the field cannot hold.
absl::Status FillFromQuery(std::string_view query, google::protobuf::Message& message);

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_QUERY_STRING_H_
