#include "client/core/perturbation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "client/core/noise.h"
#include "client/core/tensor_name.h"
#include "tests/client/core/flush_to_zero.h"
#include "tests/client/core/golden_vectors.h"
#include "tests/client/core/noise_target_test.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Perturbation Example() {
  return {.id = 1, .seed = 42, .stddev = 0.5f, .noise_spec = std::string(kNoiseSpec)};
}

Tensor Whole(const std::string& name, std::vector<float>& values) {
  return {.name = name, .values = absl::MakeSpan(values)};
}

// Alone an element is updated by plain code, in the midst of so many by vectors of any width.
constexpr std::size_t kCounts[] = {1, 300};

// The bits of element `index` of the tensor, one of `count` that are all `theta`, after the
// command.
template <typename Element>
std::uint64_t Perturbed(const Perturbation& perturbation, Tensor tensor, std::uint64_t index,
                        std::uint64_t theta, std::size_t count) {
  Element element;
  std::memcpy(static_cast<void*>(&element), &theta, sizeof(Element));
  std::vector<Element> elements(count, element);
  const std::size_t place = std::min<std::uint64_t>(index, count / 3);
  tensor.values = absl::MakeSpan(elements);
  tensor.first_index = index - place;
  EXPECT_TRUE(ApplyPerturbation(perturbation, {tensor}).ok());
  std::uint64_t result = 0;
  std::memcpy(&result, &elements[place], sizeof(Element));
  return result;
}

// The bits of a row's theta after its perturbation.
std::uint64_t Perturbed(const GoldenRow& row, std::size_t count) {
  const Perturbation perturbation = {
      .seed = row.Word("seed"),
      .stddev = row.Float("stddev"),
      .scale = row.Text("scale") == "relative" ? NoiseScale::kRelative : NoiseScale::kAbsolute,
      .shrink = row.Float("shrink"),
      .noise_spec = std::string(kNoiseSpec)};
  return Perturbed<float>(perturbation,
                          {.name = row.Text("tensor"), .reference_stddev = row.Float("reference")},
                          row.Word("index"), row.Word("theta"), count);
}

// That `perturbation` is refused with this code and text, prepared and at once, and that no value
// has changed.
void ExpectRefused(const Perturbation& perturbation, std::vector<Tensor> tensors,
                   absl::StatusCode code, const std::string& text) {
  std::vector<float> first = {1, 2, 3};
  tensors.insert(tensors.begin(), Whole("first", first));
  const auto result = ApplyPerturbation(perturbation, tensors);
  EXPECT_EQ(result.status().code(), code) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(text));
  EXPECT_THAT(first, ElementsAre(1, 2, 3));
  EXPECT_EQ(PreparedPerturbation::Make(perturbation, tensors).status(), result.status());
}

using EveryTargetPerturbationTest = NoiseTargetTest;

INSTANTIATE_TEST_SUITE_P(EveryTarget, EveryTargetPerturbationTest, EveryNoiseTarget(),
                         NoiseTargetName);

// Subnormal, infinite and NaN theta, both zeros, shrink 0, 1/2 and 1, sigma 0, overflow, relative
// scale.
TEST_P(EveryTargetPerturbationTest, GivesTheBitsOfTheExactOracle) {
  for (const GoldenRow& row : ReadGolden("perturbation.csv")) {
    for (const std::size_t count : kCounts) {
      EXPECT_EQ(Perturbed(row, count), row.Word("result"))
          << "index " << row.Text("index") << ", one of " << count;
    }
  }
}

template <typename Element>
void ExpectTheBitsOfTheExactOracle(const std::string& element_type) {
  int rows = 0;
  for (const GoldenRow& row : ReadGolden("perturbation_formats.csv")) {
    if (row.Text("element_type") != element_type) {
      continue;
    }
    const Perturbation perturbation = {.seed = row.Word("seed"),
                                       .stddev = row.Float("sigma"),
                                       .shrink = row.Float("shrink"),
                                       .noise_spec = std::string(kNoiseSpec)};
    for (const std::size_t count : kCounts) {
      EXPECT_EQ(Perturbed<Element>(perturbation, {.name = row.Text("tensor")}, row.Word("index"),
                                   row.Word("theta"), count),
                row.Word("result"))
          << row.Text("theta") << " index " << row.Text("index") << ", one of " << count;
    }
    ++rows;
  }
  EXPECT_GT(rows, 200);
}

TEST_P(EveryTargetPerturbationTest, GivesTheBitsOfTheExactOracleInEveryFormat) {
  ExpectTheBitsOfTheExactOracle<double>("float64");
  ExpectTheBitsOfTheExactOracle<Bfloat16>("bfloat16");
  ExpectTheBitsOfTheExactOracle<Float16>("float16");
}

// A trainer's thread that flushes subnormals gets the same bits, and keeps its setting.
TEST_P(EveryTargetPerturbationTest, IgnoresFlushToZeroAndDenormalsAreZeroAndLeavesThem) {
  const std::vector<GoldenRow> rows = ReadGolden("perturbation.csv");
  for (const std::size_t count : kCounts) {
    std::vector<std::uint64_t> found;
    bool left_as_it_was = false;
    {
      const FlushToZero flushing;
      for (const GoldenRow& row : rows) {
        found.push_back(Perturbed(row, count));
      }
      left_as_it_was = flushing.IsOn();
    }
    EXPECT_TRUE(left_as_it_was);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(found[i], rows[i].Word("result"))
          << "index " << rows[i].Text("index") << ", one of " << count;
    }
  }
}

// 1000 elements, so that more than one tile of noise is needed.
TEST(ApplyPerturbationTest, EachElementGetsItsOwnNoise) {
  std::vector<float> values(1000, 0.0f);
  ASSERT_TRUE(ApplyPerturbation(Example(), {Whole("weight", values)}).ok());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], 0.5f * NoiseAt(/*seed=*/42, TensorId("weight"), i)) << i;
  }
}

TEST(ApplyPerturbationTest, ShardsGetTheNumbersOfTheWhole) {
  std::vector<float> whole(1000, 1.0f);
  std::vector<float> sharded(1000, 1.0f);
  ASSERT_TRUE(ApplyPerturbation(Example(), {Whole("weight", whole)}).ok());
  const auto values = absl::MakeSpan(sharded);
  const Tensor shards[] = {
      {.name = "module.weight", .values = values.subspan(301), .first_index = 301},
      {.name = "module.weight", .values = values.first(301), .first_index = 0}};
  ASSERT_TRUE(ApplyPerturbation(Example(), shards).ok());
  EXPECT_EQ(sharded, whole);
}

TEST(ApplyPerturbationTest, CountsWhatItPerturbedAndWhatItKept) {
  std::vector<float> values = {1, kNaN, kInfinity, -kInfinity, 2};
  const auto result = ApplyPerturbation(Example(), {Whole("weight", values)});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->perturbed, 2u);
  EXPECT_EQ(result->non_finite_kept, 3u);
}

TEST(ApplyPerturbationTest, TheSelectorChoosesByCanonicalName) {
  std::vector<float> weight = {1};
  std::vector<float> bias = {1};
  Perturbation perturbation = Example();
  perturbation.tensor_selector = "layers.*.weight";
  const auto result = ApplyPerturbation(
      perturbation, {Whole("module.layers.0.weight", weight), Whole("module.layers.0.bias", bias)});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->perturbed, 1u);
  EXPECT_NE(weight[0], 1);
  EXPECT_EQ(bias[0], 1);
}

TEST(ApplyPerturbationTest, TheSelectorChoosesAsTheOracleDoes) {
  for (const GoldenRow& row : ReadGolden("selectors.csv")) {
    std::vector<float> values = {1};
    Perturbation perturbation = Example();
    perturbation.tensor_selector = row.Text("selector");
    const auto result = ApplyPerturbation(perturbation, {Whole(row.Text("name"), values)});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->perturbed, row.Word("selects"))
        << "'" << row.Text("selector") << "' and '" << row.Text("name") << "'";
  }
}

// A rank may hold no part of what the command selects.
TEST(ApplyPerturbationTest, ASelectorThatMatchesNothingIsNoError) {
  std::vector<float> values = {1};
  Perturbation perturbation = Example();
  perturbation.tensor_selector = "decoder.*";
  const auto result = ApplyPerturbation(perturbation, {Whole("encoder.weight", values)});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->perturbed, 0u);
}

TEST(PreparedPerturbationTest, ChangesNothingBeforeItIsApplied) {
  std::vector<float> values = {1, 2, 3};
  const Tensor tensors[] = {Whole("weight", values)};
  const auto prepared = PreparedPerturbation::Make(Example(), tensors);
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
  std::vector<float> expected = values;
  ASSERT_TRUE(ApplyPerturbation(Example(), {Whole("weight", expected)}).ok());
  EXPECT_EQ(prepared->Apply().perturbed, 3u);
  EXPECT_EQ(values, expected);
  EXPECT_THAT(values, Not(ElementsAre(1, 2, 3)));
}

TEST(ApplyPerturbationTest, RefusesAnUnknownNoiseSpec) {
  Perturbation perturbation = Example();
  perturbation.noise_spec = "philox4x32-10/box-muller-f32/v2";
  ExpectRefused(perturbation, {}, absl::StatusCode::kUnimplemented, "box-muller-f32/v2'");
}

TEST(ApplyPerturbationTest, RefusesAnEmptyNoiseSpec) {
  Perturbation perturbation = Example();
  perturbation.noise_spec = "";
  ExpectRefused(perturbation, {}, absl::StatusCode::kUnimplemented, "noise_spec ''");
}

TEST(ApplyPerturbationTest, RefusesANegativeOrNonFiniteStddev) {
  for (const float stddev : {-0.5f, kInfinity, kNaN}) {
    Perturbation perturbation = Example();
    perturbation.stddev = stddev;
    ExpectRefused(perturbation, {}, absl::StatusCode::kInvalidArgument, "stddev must be");
  }
}

TEST(ApplyPerturbationTest, RefusesAShrinkOutsideZeroToOne) {
  for (const float shrink : {-0.25f, 1.25f, kNaN}) {
    Perturbation perturbation = Example();
    perturbation.shrink = shrink;
    ExpectRefused(perturbation, {}, absl::StatusCode::kInvalidArgument, "shrink must lie");
  }
}

TEST(ApplyPerturbationTest, RefusesAnUnknownScale) {
  Perturbation perturbation = Example();
  perturbation.scale = static_cast<NoiseScale>(7);
  ExpectRefused(perturbation, {}, absl::StatusCode::kInvalidArgument, "noise scale 7");
}

TEST(ApplyPerturbationTest, RefusesAnUnknownOptimizerStateAction) {
  Perturbation perturbation = Example();
  perturbation.optimizer_state = static_cast<OptimizerStateAction>(7);
  ExpectRefused(perturbation, {}, absl::StatusCode::kInvalidArgument, "state action 7");
}

TEST(ApplyPerturbationTest, RefusesRelativeNoiseWithoutAReference) {
  for (const float reference : {0.0f, -1.0f, kInfinity, kNaN}) {
    Perturbation perturbation = Example();
    perturbation.scale = NoiseScale::kRelative;
    perturbation.tensor_selector = "second";
    std::vector<float> values = {1};
    Tensor second = Whole("second", values);
    second.reference_stddev = reference;
    ExpectRefused(perturbation, {second}, absl::StatusCode::kFailedPrecondition, "'second'");
  }
}

// The first tensor could be perturbed, the second not: neither is.
TEST(ApplyPerturbationTest, ChangesNothingWhereOneTensorIsRefused) {
  Perturbation perturbation = Example();
  perturbation.scale = NoiseScale::kRelative;
  std::vector<float> good = {1, 2};
  std::vector<float> bad = {3};
  Tensor with_reference = Whole("good", good);
  with_reference.reference_stddev = 1;
  EXPECT_EQ(ApplyPerturbation(perturbation, {with_reference, Whole("bad", bad)}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(good, ElementsAre(1, 2));
}

TEST(ApplyPerturbationTest, RefusesASigmaThatOverflows) {
  Perturbation perturbation = Example();
  perturbation.scale = NoiseScale::kRelative;
  perturbation.stddev = 1e38f;
  perturbation.tensor_selector = "second";
  std::vector<float> values = {1};
  Tensor second = Whole("second", values);
  second.reference_stddev = 10;
  ExpectRefused(perturbation, {second}, absl::StatusCode::kInvalidArgument, "not finite");
}

// A tied tensor under two names would be perturbed twice.
TEST(ApplyPerturbationTest, RefusesTensorsThatShareMemory) {
  std::vector<float> values = {1, 2, 3};
  ExpectRefused(
      Example(),
      {Whole("embedding", values), {.name = "output", .values = absl::MakeSpan(values).subspan(2)}},
      absl::StatusCode::kInvalidArgument, "'embedding' and 'output' overlap in memory");
}

TEST(ApplyPerturbationTest, RefusesRangesOfATensorThatOverlap) {
  std::vector<float> left(5, 1.0f);
  std::vector<float> right(5, 1.0f);
  Tensor range = Whole("module.weight", right);
  range.first_index = 4;
  ExpectRefused(Example(), {Whole("weight", left), range}, absl::StatusCode::kInvalidArgument,
                "'weight' and 'module.weight' overlap in indices");
}

TEST(ApplyPerturbationTest, RefusesIndicesBeyond64Bits) {
  std::vector<float> values(2, 1.0f);
  Tensor tensor = Whole("weight", values);
  tensor.first_index = std::numeric_limits<std::uint64_t>::max();
  ExpectRefused(Example(), {tensor}, absl::StatusCode::kInvalidArgument, "beyond 64 bits");
}

TEST(ApplyPerturbationTest, RefusesAnEmptyName) {
  std::vector<float> values = {1};
  ExpectRefused(Example(), {Whole("", values)}, absl::StatusCode::kInvalidArgument, "empty name");
}

TEST(ApplyPerturbationTest, AnEmptyTensorIsNoError) {
  std::vector<float> values;
  EXPECT_TRUE(ApplyPerturbation(Example(), {Whole("weight", values)}).ok());
}

}  // namespace
}  // namespace lehr
