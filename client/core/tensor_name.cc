#include "client/core/tensor_name.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "client/core/sha256_prefix.h"

namespace lehr {
namespace {

constexpr std::array<std::string_view, 5> kWrappers = {
    "module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module"};

absl::Status SameId(const std::string& first, const std::string& second) {
  const std::string canonical = CanonicalTensorName(first);
  if (canonical == CanonicalTensorName(second)) {
    return absl::InvalidArgumentError(absl::StrCat("tensors '", first, "' and '", second,
                                                   "' have the same canonical name '", canonical,
                                                   "'; list a tied tensor once"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("tensors '", first, "' and '", second, "' have the same id 0x",
                   absl::Hex(TensorId(first), absl::kZeroPad16), "; rename one of them"));
}

}  // namespace

std::string CanonicalTensorName(std::string_view name) {
  std::string canonical;
  std::size_t begin = 0;
  for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', begin)) {
    const std::string_view component = name.substr(begin, dot - begin);
    begin = dot + 1;
    if (std::find(kWrappers.begin(), kWrappers.end(), component) == kWrappers.end()) {
      canonical.append(component).push_back('.');
    }
  }
  return canonical.append(name.substr(begin));
}

std::uint64_t TensorId(std::string_view name) { return Sha256Prefix(CanonicalTensorName(name)); }

absl::Status CheckTensorNames(absl::Span<const std::string> names) {
  absl::flat_hash_map<std::uint64_t, const std::string*> owners;
  for (const std::string& name : names) {
    if (name.empty()) {
      return absl::InvalidArgumentError("a tensor has an empty name");
    }
    const auto [owner, is_new] = owners.try_emplace(TensorId(name), &name);
    if (!is_new) {
      return SameId(*owner->second, name);
    }
  }
  return absl::OkStatus();
}

}  // namespace lehr
