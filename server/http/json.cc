#include "server/http/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

void AppendMessage(const Message& message, std::string& out);

void AppendText(const std::string& text, std::string& out) {
  out += nlohmann::json(text).dump(/*indent=*/-1, /*indent_char=*/' ', /*ensure_ascii=*/false,
                                   nlohmann::json::error_handler_t::replace);
}

// The fewest digits that give the same value again.
template <typename Real>
void AppendReal(Real value, std::string& out) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

// The field's value, or the one at `index` of a repeated field.
void AppendValue(const Message& message, const FieldDescriptor& field, int index,
                 std::string& out) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  const auto get = [&](auto one, auto of_many) {
    return repeated ? (reflection.*of_many)(message, &field, index)
                    : (reflection.*one)(message, &field);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      absl::StrAppend(&out, get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      absl::StrAppend(&out, get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
      break;
    // JavaScript's numbers do not hold them.
    case FieldDescriptor::CPPTYPE_INT64:
      absl::StrAppend(&out, "\"", get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64), "\"");
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      absl::StrAppend(&out, "\"", get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64),
                      "\"");
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      AppendReal(get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble), out);
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      AppendReal(get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat), out);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out += get(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
      break;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      absl::StrAppend(
          &out, value == nullptr ? absl::StrCat(number) : absl::StrCat("\"", value->name(), "\""));
      break;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = get(&Reflection::GetString, &Reflection::GetRepeatedString);
      AppendText(field.type() == FieldDescriptor::TYPE_BYTES ? absl::Base64Escape(text) : text,
                 out);
      break;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      AppendMessage(repeated ? reflection.GetRepeatedMessage(message, &field, index)
                             : reflection.GetMessage(message, &field),
                    out);
      break;
  }
}

// All our keys are strings.
void AppendMap(const Message& message, const FieldDescriptor& field, int size, std::string& out) {
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  out += '{';
  for (int i = 0; i < size; ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    out += i == 0 ? "" : ",";
    AppendValue(entry, key, /*index=*/-1, out);
    out += ':';
    AppendValue(entry, value, /*index=*/-1, out);
  }
  out += '}';
}

void AppendList(const Message& message, const FieldDescriptor& field, int size, std::string& out) {
  out += '[';
  for (int i = 0; i < size; ++i) {
    out += i == 0 ? "" : ",";
    AppendValue(message, field, i, out);
  }
  out += ']';
}

void AppendMessage(const Message& message, std::string& out) {
  if (const auto* time = dynamic_cast<const Timestamp*>(&message)) {
    absl::StrAppend(&out, "\"", TimeUtil::ToString(*time), "\"");
    return;
  }
  if (const auto* duration = dynamic_cast<const Duration*>(&message)) {
    absl::StrAppend(&out, "\"", TimeUtil::ToString(*duration), "\"");
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  const auto& descriptor = *message.GetDescriptor();
  out += '{';
  bool first = true;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.has_presence() && !reflection.HasField(message, &field)) {
      continue;
    }
    absl::StrAppend(&out, first ? "\"" : ",\"", field.json_name(), "\":");
    first = false;
    if (field.is_map()) {
      AppendMap(message, field, reflection.FieldSize(message, &field), out);
    } else if (field.is_repeated()) {
      AppendList(message, field, reflection.FieldSize(message, &field), out);
    } else {
      AppendValue(message, field, /*index=*/-1, out);
    }
  }
  out += '}';
}

}  // namespace

std::string ToJson(const Message& message) {
  std::string json;
  AppendMessage(message, json);
  return json;
}

absl::Status FromJson(const std::string& json, Message& message) {
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  if (status.ok()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the body is no ", message.GetDescriptor()->name(),
      " in JSON: ", absl::string_view(status.message().data(), status.message().size())));
}

}  // namespace lehr
