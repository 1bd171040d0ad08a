// What a sidecar adds to a round trip: Client::Step through it against Client::Step without it, on
// one supervisor in one run, in turns. The answer is the ratio of the medians.
//
//   build/bin/relay_benchmark [LOSSES]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "tests/server/lehrd_process.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

constexpr int kRounds = 10;
constexpr int kStepsARound = 500;

class Trainer {
 public:
  Trainer(const std::string& supervisor, const std::string& run, size_t losses)
      : losses_(losses, 0.5f) {
    ClientOptions options;
    options.supervisor = supervisor;
    options.run_id = run;
    options.log = [](std::string_view) {};
    client_ = *Client::Create(std::move(options));
  }

  // Median of a step's time. Unit: microseconds.
  double MedianStep() {
    std::vector<double> times;
    for (int i = 0; i < kStepsARound; ++i) {
      const auto start = std::chrono::steady_clock::now();
      client_->Step(step_++, losses_, {}, {});
      const std::chrono::duration<double, std::micro> time =
          std::chrono::steady_clock::now() - start;
      times.push_back(time.count());
    }
    std::nth_element(times.begin(), times.begin() + kStepsARound / 2, times.end());
    return times[kStepsARound / 2];
  }

 private:
  const std::vector<float> losses_;
  std::unique_ptr<Client> client_;
  int64_t step_ = 0;
};

void Run(size_t losses) {
  const TemporaryFolder folder;
  const LehrdProcess lehrd(LEHRD_BINARY,
                           {"--data_dir=" + folder.Path("data"), "--listen=127.0.0.1:0"});
  const LehrdProcess sidecar(LEHRD_BINARY,
                             {"--upstream=" + lehrd.address(), "--listen=127.0.0.1:0"});
  Trainer flat(lehrd.address(), "flat", losses);
  Trainer relayed(sidecar.address(), "relayed", losses);
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double direct = flat.MedianStep();
    const double through = relayed.MedianStep();
    ratios.push_back(through / direct);
    std::printf("%zu losses: direct %.1f us, through a sidecar %.1f us, ratio %.2f\n", losses,
                direct, through, through / direct);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("median ratio: %.2f\n", ratios[kRounds / 2]);
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) { lehr::Run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 256); }
