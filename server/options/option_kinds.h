// The kinds of values that options take: how each is read, checked, written and described.
//
// A kind K of values T has
//   absl::StatusOr<T> Parse(const std::string& text) const;   INVALID_ARGUMENT says what is wrong,
//                                                             not the text
//   std::string Print(const T& value) const;                  what Parse reads as that value
//   std::string TypeName() const;                             e.g. "DURATION"
//   std::string Bounds() const;                               e.g. "1ms to 1h"; "" if TypeName says
//   all
#ifndef LEHR_SERVER_OPTIONS_OPTION_KINDS_H_
#define LEHR_SERVER_OPTIONS_OPTION_KINDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "server/options/address.h"

namespace lehr {

// A whole number.
struct IntegerKind {
  int min;
  int max;

  absl::StatusOr<int> Parse(const std::string& text) const;
  std::string Print(int value) const;
  std::string TypeName() const { return "N"; }
  std::string Bounds() const;
};

// A time such as 50ms, 1.5s or 1m30s.
struct DurationKind {
  absl::Duration min;
  absl::Duration max;

  absl::StatusOr<absl::Duration> Parse(const std::string& text) const;
  std::string Print(absl::Duration value) const;
  std::string TypeName() const { return "DURATION"; }
  std::string Bounds() const;
};

// Bytes: a whole number with KiB, MiB, GiB, TiB or nothing behind it.
struct SizeKind {
  std::int64_t min;
  std::int64_t max;

  absl::StatusOr<std::int64_t> Parse(const std::string& text) const;
  std::string Print(std::int64_t value) const;
  std::string TypeName() const { return "SIZE"; }
  std::string Bounds() const;
};

// Any text but none at all.
struct TextKind {
  std::string type_name;

  absl::StatusOr<std::string> Parse(const std::string& text) const;
  std::string Print(const std::string& value) const { return value; }
  std::string TypeName() const { return type_name; }
  std::string Bounds() const { return ""; }
};

struct AddressKind {
  absl::StatusOr<Address> Parse(const std::string& text) const { return ParseAddress(text); }
  std::string Print(const Address& value) const { return value.ToString(); }
  std::string TypeName() const { return "HOST:PORT"; }
  std::string Bounds() const { return ""; }
};

struct AddressOrNoneKind {
  absl::StatusOr<std::optional<Address>> Parse(const std::string& text) const;
  std::string Print(const std::optional<Address>& value) const;
  std::string TypeName() const { return "HOST:PORT|none"; }
  std::string Bounds() const { return ""; }
};

// A host, by name or address, and its port, to connect to. Kept as it is.
struct TargetKind {
  absl::StatusOr<std::string> Parse(const std::string& text) const;
  std::string Print(const std::string& value) const { return value; }
  std::string TypeName() const { return "HOST:PORT"; }
  std::string Bounds() const { return ""; }
};

// One of a few words.
template <typename Enum>
struct ChoiceKind {
  std::vector<std::pair<std::string, Enum>> choices;

  absl::StatusOr<Enum> Parse(const std::string& text) const {
    for (const auto& [word, value] : choices) {
      if (word == text) {
        return value;
      }
    }
    return absl::InvalidArgumentError(absl::StrCat("not one of ", TypeName()));
  }
  std::string Print(Enum value) const {
    for (const auto& [word, choice] : choices) {
      if (choice == value) {
        return word;
      }
    }
    return "";
  }
  std::string TypeName() const {
    return absl::StrJoin(choices, "|",
                         [](std::string* out, const auto& choice) { out->append(choice.first); });
  }
  std::string Bounds() const { return ""; }
};

}  // namespace lehr

#endif  // LEHR_SERVER_OPTIONS_OPTION_KINDS_H_
