#include "server/join_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/core/generation.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

v1::Join GoodJoin() {
  v1::Join join;
  join.set_run_id("digits");
  join.set_rank(1);
  join.set_world_size(2);
  join.set_job_attempt("attempt");
  join.set_process("process");
  return join;
}

// What CheckJoin says of a good join after `spoil`.
template <typename Spoil>
std::string Complaint(Spoil spoil) {
  v1::Join join = GoodJoin();
  spoil(join);
  const absl::Status status = CheckJoin(join);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(CheckRunId, TakesLettersDigitsAndThreeMarks) {
  for (const char* good : {"a", "7", "Digits_64-8x8.v2", "0.1"}) {
    EXPECT_TRUE(CheckRunId(good).ok()) << good;
  }
  EXPECT_TRUE(CheckRunId(std::string(128, 'x')).ok());
}

TEST(CheckRunId, RefusesEverythingElseAndNamesIt) {
  for (const char* bad : {"", "../x", ".x", "-x", "_x", "a/b", "a b", "a\nb", "naïve", "<b>"}) {
    EXPECT_EQ(CheckRunId(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_THAT(std::string(CheckRunId("../x").message()), HasSubstr("\"../x\""));
  EXPECT_THAT(std::string(CheckRunId("a\nb").message()), HasSubstr("\"a\\nb\""));
  EXPECT_FALSE(CheckRunId(std::string(129, 'x')).ok());
}

TEST(CheckJoin, TakesAGoodOne) { EXPECT_TRUE(CheckJoin(GoodJoin()).ok()); }

TEST(CheckJoin, NamesTheFieldAndTheValueThatAreOutOfBounds) {
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_rank(2); }), HasSubstr("rank is 2"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_world_size(0); }), HasSubstr("world_size is 0"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_world_size(65537); }), HasSubstr("65537"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_job_attempt(""); }), HasSubstr("job_attempt"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_process(""); }), HasSubstr("process"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_resume_step(-5); }), HasSubstr("-5"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_resume_generation(uint64_t{1} << 62); }),
              HasSubstr("resume_generation is 4611686018427387904"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_generation(uint64_t{1} << 62); }),
              HasSubstr("generation is 4611686018427387904"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_highest_epoch(~uint64_t{0}); }),
              HasSubstr("highest_epoch is 18446744073709551615"));
  EXPECT_THAT(Complaint([](v1::Join& j) { j.set_highest_step(kMaxStep); }),
              HasSubstr("4611686018427387904"));
  EXPECT_THAT(Complaint([](v1::Join& j) {
                v1::TensorReference* tensor = j.add_tensors();
                tensor->set_name("layers.0.weight");
                tensor->set_reference_stddev(-1);
              }),
              HasSubstr("reference_stddev of tensor \"layers.0.weight\" is -1"));
  for (const uint32_t side : {1u, (1u << 20) + 1}) {
    EXPECT_THAT(Complaint([&](v1::Join& j) {
                  v1::TensorReference* tensor = j.add_tensors();
                  tensor->set_name("layers.2.weight");
                  tensor->set_reference_stddev(1);
                  tensor->set_side(side);
                }),
                HasSubstr(absl::StrCat("side of tensor \"layers.2.weight\" is ", side,
                                       "; it must be in [2, 1048576], or 0")));
  }
  EXPECT_THAT(Complaint([](v1::Join& j) { (*j.mutable_labels())["k"] = std::string(64, 'v'); }),
              HasSubstr("label \"k\""));
}

v1::Join JoinWithTensors(const std::vector<std::string>& names) {
  v1::Join join = GoodJoin();
  for (const std::string& name : names) {
    v1::TensorReference* tensor = join.add_tensors();
    tensor->set_name(name);
    tensor->set_reference_stddev(1);
  }
  return join;
}

std::string ComplaintOfTensors(const std::vector<std::string>& names) {
  return std::string(CheckJoin(JoinWithTensors(names)).message());
}

TEST(CheckJoin, TakesSquareTensorsOfAnyWidth) {
  v1::Join join = JoinWithTensors({"a", "b"});
  join.mutable_tensors(0)->set_side(2);
  join.mutable_tensors(1)->set_side(1u << 20);
  EXPECT_TRUE(CheckJoin(join).ok());
}

TEST(CheckJoin, TakesTensorsOfDifferentNames) {
  EXPECT_TRUE(CheckJoin(JoinWithTensors({"weight", "weights", "layers.0.weight"})).ok());
}

TEST(CheckJoin, NamesATensorThatIsThereTwice) {
  EXPECT_EQ(ComplaintOfTensors({"layers.0.weight", "bias", "layers.0.weight"}),
            "a tensor's name is \"layers.0.weight\"; it must be that of no other tensor");
}

// Of the golden names the canonical ones are taken, and those that differ from theirs are not.
TEST(CheckJoin, TakesCanonicalNamesOnly) {
  std::ifstream file(std::string(LEHR_SOURCE_DIR) + "/tests/golden/noise/tensor_names.csv");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  int refused = 0;
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    EXPECT_EQ(ComplaintOfTensors({cells[1]}), "");
    if (cells[0] != cells[1]) {
      EXPECT_THAT(ComplaintOfTensors({cells[0]}), HasSubstr("it must be canonical")) << cells[0];
      ++refused;
    }
  }
  EXPECT_GE(refused, 6);
}

}  // namespace
}  // namespace lehr
