// Reproducible random numbers: the same seed gives the same numbers on every machine, which the
// distributions of the standard library do not promise.
//
//   std::mt19937_64 generator(StreamSeed(seed, RandomStream::kShuffle, epoch));
#ifndef LEHR_TRAINER_RANDOM_H_
#define LEHR_TRAINER_RANDOM_H_

#include <cstdint>
#include <random>
#include <vector>

namespace lehr {

// What random numbers are for: one user's seed gives each purpose numbers of its own.
enum class RandomStream : uint64_t { kInitialValues = 1, kShuffle = 2, kSplit = 3, kSpirals = 4 };

// The seed of one purpose; index tells e.g. epochs or tensors apart.
uint64_t StreamSeed(uint64_t seed, RandomStream stream, uint64_t index);

// Uniform over the multiples of 2⁻⁵³ in [0, 1).
double UniformUnit(std::mt19937_64& generator);

// 0 .. size − 1 in an order in which all permutations are equally likely (Fisher and Yates).
std::vector<uint64_t> RandomPermutation(uint64_t size, uint64_t seed);

}  // namespace lehr

#endif  // LEHR_TRAINER_RANDOM_H_
