// Many runs at once in one process, in step with the test that drives them:
//
//   web_feeder SUPERVISOR RUNS PREFIX
//
// opens PREFIX-0, PREFIX-1, ... of one rank each, with labels that hold markup. Each line on stdin
// is a number of steps; when all runs have made them, it prints the newest step. Ends with stdin.
//
// A run's losses are one high loss among low ones, so that error_driven acts at every step; runs of
// an even number have equal losses, enough to tell that they tie, and are left alone.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/client.h"

namespace lehr {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "web_feeder: %s\n", why.c_str());
  std::_Exit(EXIT_FAILURE);
}

std::unique_ptr<Client> Open(const std::string& supervisor, const std::string& run_id) {
  ClientOptions options;
  options.supervisor = supervisor;
  options.run_id = run_id;
  options.connect_timeout = absl::Seconds(60);
  options.decision_timeout = absl::Seconds(60);
  options.settings.mutable_policy()->mutable_error_driven()->set_base_noise_level(0.001);
  options.labels = {{"<b>key</b>", "<img src=x onerror=alert(1)>"},
                    {"quote", "\"'><script>alert(2)</script>"}};
  options.log = [](std::string_view) {};
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(std::move(options));
  if (!client.ok()) {
    Die(client.status().ToString());
  }
  return *std::move(client);
}

std::vector<float> Losses(int run, int64_t step) {
  if (run % 2 == 0) {
    return std::vector<float>(16, 0.3f);
  }
  return {0.125f, 2.0f + 0.25f * static_cast<float>(step % 5), 0.0f, 0.125f};
}

void Feed(const std::string& supervisor, int runs, const std::string& prefix) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int run = 0; run < runs; ++run) {
    clients.push_back(Open(supervisor, absl::StrCat(prefix, "-", run)));
  }
  std::vector<float> weight(4, 1.0f);
  const std::vector<Tensor> tensors = {{.name = "weight", .values = absl::MakeSpan(weight)}};
  int64_t step = 0;
  for (int64_t steps = 0; std::cin >> steps;) {
    for (const int64_t end = step + steps; step < end; ++step) {
      for (int run = 0; run < runs; ++run) {
        clients[run]->Step(step, Losses(run, step), /*example_ids=*/{}, tensors);
      }
    }
    std::cout << step - 1 << std::endl;
  }
  for (const std::unique_ptr<Client>& client : clients) {
    client->Leave(/*completed=*/true);
  }
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  int runs = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[2], &runs) || runs < 1) {
    lehr::Die("usage: web_feeder SUPERVISOR RUNS PREFIX");
  }
  lehr::Feed(argv[1], runs, argv[3]);
}
