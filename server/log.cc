#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr char kTextPattern[] = "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

std::atomic<LogFormat> record_format = LogFormat::kText;

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> MakeLogger(LogLevel level, LogFormat format) {
  auto logger =
      std::make_shared<spdlog::logger>("lehrd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(SpdlogLevel(level));
  logger->set_pattern(format == LogFormat::kJson ? kJsonPattern : kTextPattern,
                      spdlog::pattern_time_type::utc);
  return logger;
}

// Never destroyed: threads may log while the process ends.
std::shared_ptr<spdlog::logger>& Logger() {
  static auto* logger =
      new std::shared_ptr<spdlog::logger>(MakeLogger(LogLevel::kInfo, LogFormat::kText));
  return *logger;
}

bool IsBare(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '\\' && c != '=';
  });
}

std::string Quoted(std::string_view text) {
  if (IsBare(text)) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&quoted, "\\", std::string(1, c));
    } else if (c == '\n') {
      absl::StrAppend(&quoted, "\\n");
    } else if (absl::ascii_isprint(c)) {
      quoted.push_back(c);
    } else {
      absl::StrAppend(&quoted, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  quoted.push_back('"');
  return quoted;
}

nlohmann::ordered_json JsonValue(const LogField& field) {
  return std::visit([](const auto& value) { return nlohmann::ordered_json(value); }, field.value);
}

std::string FormatText(std::string_view message, absl::Span<const LogField> fields) {
  std::string record = absl::StrCat("msg=", Quoted(message));
  for (const LogField& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    absl::StrAppend(&record, " ", std::string(field.name), "=",
                    text ? Quoted(*text) : JsonValue(field).dump());
  }
  return record;
}

std::string FormatJson(std::string_view message, absl::Span<const LogField> fields) {
  nlohmann::ordered_json record = {{"msg", message}};
  for (const LogField& field : fields) {
    record[std::string(field.name)] = JsonValue(field);
  }
  const std::string object = record.dump(/*indent=*/-1, /*indent_char=*/' ', /*ensure_ascii=*/true,
                                         nlohmann::ordered_json::error_handler_t::replace);
  return object.substr(1, object.size() - 2);
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = *Logger();
  if (!logger.should_log(SpdlogLevel(level))) {
    return;
  }
  logger.log(SpdlogLevel(level), FormatLogRecord(record_format, message, fields));
}

}  // namespace

void StartLogging(LogLevel level, LogFormat format) {
  record_format = format;
  Logger() = MakeLogger(level, format);
}

void LogDebug(std::string_view message, std::initializer_list<LogField> fields) {
  Log(LogLevel::kDebug, message, fields);
}

void LogInfo(std::string_view message, std::initializer_list<LogField> fields) {
  Log(LogLevel::kInfo, message, fields);
}

void LogWarning(std::string_view message, std::initializer_list<LogField> fields) {
  Log(LogLevel::kWarning, message, fields);
}

void LogError(std::string_view message, std::initializer_list<LogField> fields) {
  Log(LogLevel::kError, message, fields);
}

std::string FormatLogRecord(LogFormat format, std::string_view message,
                            absl::Span<const LogField> fields) {
  return format == LogFormat::kJson ? FormatJson(message, fields) : FormatText(message, fields);
}

}  // namespace lehr
