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

}  // namespace lehr
