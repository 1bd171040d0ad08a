#include "trainer/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lehr {
namespace {

constexpr std::chrono::milliseconds kTerminalInterval(100);
constexpr std::chrono::seconds kPlainInterval(5);
constexpr int kBarColumns = 20;

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// "1:02:03" or "2:03".
std::string ClockTime(double seconds) {
  const auto whole = static_cast<int64_t>(std::min(seconds, 1e9));
  const int64_t minutes = whole / 60;
  return minutes < 60 ? absl::StrFormat("%d:%02d", minutes, whole % 60)
                      : absl::StrFormat("%d:%02d:%02d", minutes / 60, minutes % 60, whole % 60);
}

std::string Bar(int64_t step, int64_t steps) {
  const auto filled = static_cast<size_t>(kBarColumns * step / std::max<int64_t>(steps, 1));
  return absl::StrCat("[", std::string(filled, '#'), std::string(kBarColumns - filled, '-'), "]");
}

void AppendPercent(std::string& text, const char* name, const std::optional<double>& share) {
  if (share.has_value()) {
    absl::StrAppendFormat(&text, "  %s %.1f %%", name, 100 * *share);
  }
}

}  // namespace

int TerminalColumns(int descriptor) {
  if (isatty(descriptor) == 0) {
    return 0;
  }
  winsize size = {};
  constexpr int kUsualColumns = 80;
  const bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

ProgressPrinter::ProgressPrinter(std::string task, std::ostream& out, int terminal_columns,
                                 Time start)
    : task_(std::move(task)),
      out_(out),
      terminal_columns_(terminal_columns),
      start_(start),
      last_print_(start) {}

void ProgressPrinter::Show(const TrainingProgress& progress, Time now) {
  if (!newest_.has_value()) {
    first_step_ = progress.step - 1;
  }
  newest_ = progress;
  const auto interval =
      terminal_columns_ > 0 ? Time::duration(kTerminalInterval) : Time::duration(kPlainInterval);
  if (now - last_print_ >= interval) {
    Print(now);
  }
}

void ProgressPrinter::Finish(Time now) {
  if (newest_.has_value() && newest_->step != printed_step_) {
    Print(now);
  }
  if (terminal_columns_ > 0 && printed_step_ >= 0) {
    out_ << '\n' << std::flush;
  }
}

void ProgressPrinter::Print(Time now) {
  std::string line = absl::StrCat(task_, "  ");
  if (terminal_columns_ > 0) {
    absl::StrAppend(&line, Bar(newest_->step, newest_->steps), "  ");
  }
  absl::StrAppend(&line, "step ", newest_->step, "/", newest_->steps, Numbers(now));
  if (terminal_columns_ > 0) {
    // A line that fills the last column would wrap, and then not be rewritten.
    line.resize(std::min(line.size(), static_cast<size_t>(terminal_columns_ - 1)));
    out_ << '\r' << line << "\x1b[K" << std::flush;
  } else {
    out_ << line << '\n' << std::flush;
  }
  last_print_ = now;
  printed_step_ = newest_->step;
}

std::string ProgressPrinter::Numbers(Time now) const {
  std::string text = absl::StrFormat("  loss %.4g", newest_->mean_loss);
  AppendPercent(text, "train", newest_->train_accuracy);
  AppendPercent(text, "test", newest_->test_accuracy);
  if (newest_->temperature.has_value()) {
    absl::StrAppendFormat(&text, "  T %.4g  kicks %d", *newest_->temperature,
                          newest_->perturbations_applied);
  }
  const double elapsed = Seconds(now - start_);
  if (elapsed > 0) {
    const double rate = static_cast<double>(newest_->step - first_step_) / elapsed;
    const double remaining = static_cast<double>(newest_->steps - newest_->step) / rate;
    absl::StrAppendFormat(&text, "  %.4g steps/s  ETA %s", rate, ClockTime(remaining));
  }
  return text;
}

}  // namespace lehr
