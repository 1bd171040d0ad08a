// Structured logs on stderr: one line an event, as logfmt-like text or as JSON lines
// (--log_format).
//
//   LogInfo("rank left", {{"run", run_id}, {"rank", 3}});
//   time=2026-01-31T12:00:00.250Z level=info msg="rank left" run=xor rank=3
//   {"time":"2026-01-31T12:00:00.250Z","level":"info","msg":"rank left","run":"xor","rank":3}
//
// The time is UTC. Text is escaped down to printable ASCII, so no value can forge a line, a field
// or a terminal command. Thread-safe after StartLogging; before it, records of level info and above
// go out as text.
#ifndef LEHR_SERVER_LOG_H_
#define LEHR_SERVER_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "absl/types/span.h"

namespace lehr {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// One name and value of a record. It refers to its arguments: build it in the call only.
struct LogField {
  using Value = std::variant<std::string_view, bool, double, std::int64_t, std::uint64_t>;

  LogField(std::string_view name, std::string_view value) : name(name), value(value) {}

  template <typename Number>
  requires std::is_arithmetic_v<Number> LogField(std::string_view name, Number value)
      : name(name), value(Widened(value)) {}

  std::string_view name;
  Value value;

 private:
  template <typename Number>
  static Value Widened(Number value) {
    if constexpr (std::is_same_v<Number, bool>) {
      return value;
    }
    if constexpr (std::is_floating_point_v<Number>) {
      return double{value};
    }
    if constexpr (std::is_signed_v<Number>) {
      return static_cast<std::int64_t>(value);
    }
    return static_cast<std::uint64_t>(value);
  }
};

// Sets level and format for the whole process. Call once, before other threads log.
void StartLogging(LogLevel level, LogFormat format);

void LogDebug(std::string_view message, std::initializer_list<LogField> fields = {});
void LogInfo(std::string_view message, std::initializer_list<LogField> fields = {});
void LogWarning(std::string_view message, std::initializer_list<LogField> fields = {});
void LogError(std::string_view message, std::initializer_list<LogField> fields = {});

// The part of a record that callers shape: message and fields, without time, level and newline.
// Text: `msg="generation opened" run=xor`. JSON: `"msg":"generation opened","run":"xor"`.
std::string FormatLogRecord(LogFormat format, std::string_view message,
                            absl::Span<const LogField> fields);

}  // namespace lehr

#endif  // LEHR_SERVER_LOG_H_
