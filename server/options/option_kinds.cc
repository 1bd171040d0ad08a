#include "server/options/option_kinds.h"

#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lehr {
namespace {

struct SizeUnit {
  absl::string_view suffix;
  std::int64_t bytes;
};

// The greatest first, so that Print finds the shortest spelling; the empty suffix last.
constexpr std::array<SizeUnit, 5> kSizeUnits = {{
    {"TiB", std::int64_t{1} << 40},
    {"GiB", std::int64_t{1} << 30},
    {"MiB", std::int64_t{1} << 20},
    {"KiB", std::int64_t{1} << 10},
    {"", 1},
}};

template <typename Kind, typename T>
absl::StatusOr<T> WithinBounds(const Kind& kind, T value) {
  if (value >= kind.min && value <= kind.max) {
    return value;
  }
  return absl::InvalidArgumentError(absl::StrCat("not within ", kind.Bounds()));
}

template <typename Kind>
std::string Range(const Kind& kind) {
  return absl::StrCat(kind.Print(kind.min), " to ", kind.Print(kind.max));
}

}  // namespace

absl::StatusOr<int> IntegerKind::Parse(const std::string& text) const {
  int value;
  if (!absl::SimpleAtoi(text, &value)) {
    return absl::InvalidArgumentError(absl::StrCat("not a whole number within ", Bounds()));
  }
  return WithinBounds(*this, value);
}

std::string IntegerKind::Print(int value) const { return absl::StrCat(value); }

std::string IntegerKind::Bounds() const { return Range(*this); }

absl::StatusOr<absl::Duration> DurationKind::Parse(const std::string& text) const {
  absl::Duration value;
  if (!absl::ParseDuration(text, &value)) {
    return absl::InvalidArgumentError("not a duration such as 500ms, 10s or 1m30s");
  }
  return WithinBounds(*this, value);
}

std::string DurationKind::Print(absl::Duration value) const { return absl::FormatDuration(value); }

std::string DurationKind::Bounds() const { return Range(*this); }

absl::StatusOr<std::int64_t> SizeKind::Parse(const std::string& text) const {
  absl::string_view number = text;
  const SizeUnit* unit = kSizeUnits.begin();
  while (!absl::ConsumeSuffix(&number, unit->suffix)) {
    ++unit;
  }
  std::int64_t count;
  if (!absl::SimpleAtoi(number, &count)) {
    return absl::InvalidArgumentError("not a size such as 1048576, 512MiB or 2GiB");
  }
  std::int64_t bytes;
  if (__builtin_mul_overflow(count, unit->bytes, &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("not within ", Bounds()));
  }
  return WithinBounds(*this, bytes);
}

std::string SizeKind::Print(std::int64_t value) const {
  const SizeUnit* unit = kSizeUnits.begin();
  while (value % unit->bytes != 0) {
    ++unit;
  }
  return absl::StrCat(value / unit->bytes, unit->suffix);
}

std::string SizeKind::Bounds() const { return Range(*this); }

absl::StatusOr<std::string> TextKind::Parse(const std::string& text) const {
  if (text.empty()) {
    return absl::InvalidArgumentError("is empty");
  }
  return text;
}

absl::StatusOr<std::string> TargetKind::Parse(const std::string& text) const {
  const std::size_t colon = text.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 || text.find_first_of(" /") != std::string::npos) {
    return absl::InvalidArgumentError("not of the form HOST:PORT");
  }
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return absl::InvalidArgumentError("the port is not a number from 1 to 65535");
  }
  return text;
}

absl::StatusOr<std::optional<Address>> AddressOrNoneKind::Parse(const std::string& text) const {
  if (text == "none") {
    return std::optional<Address>();
  }
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) {
    return address.status();
  }
  return *address;
}

std::string AddressOrNoneKind::Print(const std::optional<Address>& value) const {
  return value ? value->ToString() : "none";
}

}  // namespace lehr
