#include "server/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace lehr {
namespace {

prometheus::MetricFamily Family(const char* name, const char* help, prometheus::MetricType type,
                                double value) {
  prometheus::ClientMetric metric;
  metric.counter.value = value;
  metric.gauge.value = value;
  return {.name = name, .help = help, .type = type, .metric = {metric}};
}

prometheus::MetricFamily Gauge(const char* name, const char* help, double value) {
  return Family(name, help, prometheus::MetricType::Gauge, value);
}

// The fields of /proc/self/stat from the third on, which follows the command's name in brackets
// (proc(5)); empty if it cannot be read.
std::vector<std::string> StatFields() {
  std::ifstream file("/proc/self/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  const std::size_t bracket = line.rfind(')');
  if (bracket == std::string::npos) {
    return {};
  }
  std::istringstream rest(line.substr(bracket + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

// When the machine booted. Unit: seconds since the Unix epoch.
std::optional<double> BootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds;
    if (word == "btime" && file >> seconds) {
      return seconds;
    }
  }
  return std::nullopt;
}

void AddStat(std::vector<prometheus::MetricFamily>& families) {
  // Numbers of proc(5), less the two fields before the state, less one.
  constexpr std::size_t kUserTicks = 14 - 3;
  constexpr std::size_t kSystemTicks = 15 - 3;
  constexpr std::size_t kThreads = 20 - 3;
  constexpr std::size_t kStartTicks = 22 - 3;
  constexpr std::size_t kVirtualBytes = 23 - 3;
  constexpr std::size_t kResidentPages = 24 - 3;

  const std::vector<std::string> fields = StatFields();
  if (fields.size() <= kResidentPages) {
    return;
  }
  const auto number = [&](std::size_t index) { return std::stod(fields[index]); };
  const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));

  families.push_back(Family("process_cpu_seconds_total", "Processor time, user and system.",
                            prometheus::MetricType::Counter,
                            (number(kUserTicks) + number(kSystemTicks)) / ticks_per_second));
  families.push_back(Gauge("process_threads", "Threads.", number(kThreads)));
  families.push_back(
      Gauge("process_virtual_memory_bytes", "Virtual memory.", number(kVirtualBytes)));
  families.push_back(Gauge("process_resident_memory_bytes", "Memory in RAM.",
                           number(kResidentPages) * static_cast<double>(sysconf(_SC_PAGESIZE))));
  if (const std::optional<double> boot = BootTime()) {
    families.push_back(Gauge("process_start_time_seconds", "Start, since the Unix epoch.",
                             *boot + number(kStartTicks) / ticks_per_second));
  }
}

void AddFileDescriptors(std::vector<prometheus::MetricFamily>& families) {
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    // The listing itself holds one.
    const auto count = std::distance(begin(open), end(open)) - 1;
    families.push_back(
        Gauge("process_open_fds", "Open file descriptors.", static_cast<double>(count)));
  }
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(Gauge("process_max_fds", "Most file descriptors that may be open.",
                             static_cast<double>(limit.rlim_cur)));
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> CollectProcessMetrics() {
  std::vector<prometheus::MetricFamily> families;
  AddStat(families);
  AddFileDescriptors(families);
  return families;
}

}  // namespace lehr
