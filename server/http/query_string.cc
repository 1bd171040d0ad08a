#include "server/http/query_string.h"

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lehr {
namespace {

using google::protobuf::FieldDescriptor;

// Percent-decoded, with + for a space; nothing if an escape is broken.
std::optional<std::string> Decoded(absl::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      // SimpleHexAtoi alone would take signs and spaces for digits.
      const absl::string_view digits = text.substr(i + 1, 2);
      int byte;
      if (digits.size() < 2 || !absl::c_all_of(digits, absl::ascii_isxdigit) ||
          !absl::SimpleHexAtoi(digits, &byte)) {
        return {};
      }
      decoded.push_back(static_cast<char>(byte));
      i += 2;
    }
  }
  return decoded;
}

absl::Status SetField(const std::string& value, const FieldDescriptor& field,
                      google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const auto set_number = [&](auto number, auto set, const char* expected) {
    if (!absl::SimpleAtoi(value, &number)) {
      return absl::InvalidArgumentError(absl::StrCat(field.name(), "=", value, ": not ", expected));
    }
    (reflection.*set)(&message, &field, number);
    return absl::OkStatus();
  };
  using google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return set_number(std::uint32_t{}, &Reflection::SetUInt32,
                        "a whole number from 0 to 4294967295");
    case FieldDescriptor::CPPTYPE_UINT64:
      return set_number(std::uint64_t{}, &Reflection::SetUInt64, "a whole number from 0 on");
    case FieldDescriptor::CPPTYPE_INT64:
      return set_number(std::int64_t{}, &Reflection::SetInt64, "a whole number");
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "false") {
        return absl::InvalidArgumentError(
            absl::StrCat(field.name(), "=", value, ": not true or false"));
      }
      reflection.SetBool(&message, &field, value == "true");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&message, &field, value);
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError(absl::StrCat(field.name(), ": not for a query"));
  }
}

}  // namespace

absl::Status FillFromQuery(std::string_view query, google::protobuf::Message& message) {
  std::set<const FieldDescriptor*> seen;
  const absl::string_view text(query.data(), query.size());
  for (const absl::string_view pair : absl::StrSplit(text, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    const std::optional<std::string> name = Decoded(parts.first);
    const std::optional<std::string> value = Decoded(parts.second);
    if (!name || !value) {
      return absl::InvalidArgumentError(absl::StrCat("query ", pair, ": a % escape is broken"));
    }
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(*name);
    if (field == nullptr || field->is_repeated()) {
      return absl::InvalidArgumentError(absl::StrCat("query ", pair, ": there is no ", *name));
    }
    if (message.GetReflection()->HasField(message, field) || !seen.insert(field).second) {
      return absl::InvalidArgumentError(absl::StrCat("query ", pair, ": ", *name, " is set twice"));
    }
    absl::Status status = SetField(*value, *field, message);
    if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace lehr
