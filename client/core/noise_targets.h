// Which instruction set makes the noise: for tests and benchmarks, which try them all. Otherwise it
// is the best that the CPU has.
#ifndef LEHR_CLIENT_CORE_NOISE_TARGETS_H_
#define LEHR_CLIENT_CORE_NOISE_TARGETS_H_

#include <string>
#include <string_view>
#include <vector>

namespace lehr {

// Those that this CPU and this build have, the best first, by Highway's names: "AVX3" is AVX-512.
std::vector<std::string> NoiseTargets();

// Those that this build has, whether the CPU can run them or not.
std::vector<std::string> BuiltNoiseTargets();

// The one that makes the noise now, as the code that does so says.
std::string RunningNoiseTarget();

// From now on this one; empty: the best. False if there is none of that name. Threading: call it
// while no noise is made.
bool UseNoiseTarget(std::string_view name);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_NOISE_TARGETS_H_
