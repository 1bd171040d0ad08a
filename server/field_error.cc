#include "server/field_error.h"

#include <algorithm>

#include "absl/strings/escaping.h"

namespace lehr {

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 160;
  const std::string shown =
      absl::CEscape(absl::string_view(text.data(), std::min(text.size(), kShown)));
  return absl::StrCat("\"", shown, text.size() > kShown ? "..." : "", "\"");
}

absl::Status OutOfBounds(absl::string_view field, const absl::AlphaNum& value,
                         absl::string_view bound) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, "; it must be ", bound));
}

absl::Status CheckBytes(absl::string_view field, std::string_view value, size_t least,
                        size_t most) {
  if (value.size() < least || value.size() > most) {
    return OutOfBounds(field, Quoted(value), absl::StrCat(least, " to ", most, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace lehr
