// The contract's messages as the JSON of the HTTP port: proto3's, with every field that is not a
// message, zeros too.
//
// protobuf's own printer takes longer for the numbers of the largest chart than its whole answer
// may: build/bin/page_load_benchmark prints both times. The values are those that it prints, in the
// fewest digits that give them again.
#ifndef LEHR_SERVER_HTTP_JSON_H_
#define LEHR_SERVER_HTTP_JSON_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"

namespace lehr {

// One line. Messages of others (google.protobuf) must be Timestamp or Duration.
std::string ToJson(const google::protobuf::Message& message);

// INVALID_ARGUMENT, with what is wrong and where, for text that is not the JSON of such a message
// or names a field that it does not have.
absl::Status FromJson(const std::string& json, google::protobuf::Message& message);

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_JSON_H_
