// How a field that is out of its bounds is told to whoever sent it.
#ifndef LEHR_SERVER_FIELD_ERROR_H_
#define LEHR_SERVER_FIELD_ERROR_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lehr {

// What a peer sent, quoted, escaped and cut, fit to stand in a message.
std::string Quoted(std::string_view text);

// INVALID_ARGUMENT: "FIELD is VALUE; it must be BOUND".
absl::Status OutOfBounds(absl::string_view field, const absl::AlphaNum& value,
                         absl::string_view bound);

// OutOfBounds unless `value` has `least` to `most` bytes.
absl::Status CheckBytes(absl::string_view field, std::string_view value, size_t least, size_t most);

}  // namespace lehr

#endif  // LEHR_SERVER_FIELD_ERROR_H_
