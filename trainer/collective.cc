#include "trainer/collective.h"

// The C interface only.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

namespace lehr {
namespace {

// MPI counts in int.
constexpr size_t kMostBytesAtOnce = size_t{1} << 30;
constexpr size_t kTotalsFloats = sizeof(StepTotals) / sizeof(float);
static_assert(sizeof(StepTotals) % sizeof(float) == 0);

// mpirun sets the first, other launchers one of the others.
bool IsLaunchedByMpi() {
  constexpr const char* kVariables[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
  const auto is_set = [](const char* name) {
    // Nobody changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
    return std::getenv(name) != nullptr;
  };
  return std::any_of(std::begin(kVariables), std::end(kVariables), is_set);
}

// Which NaN comes out of a sum depends on the order of the two.
float Sum(float a, float b) {
  const float sum = a + b;
  return sum == sum ? sum : std::numeric_limits<float>::quiet_NaN();
}

StepTotals LoadTotals(const float* buffer) {
  StepTotals totals;
  std::memcpy(static_cast<void*>(&totals), buffer, sizeof(totals));
  return totals;
}

void StoreTotals(const StepTotals& totals, float* buffer) {
  std::memcpy(buffer, &totals, sizeof(totals));
}

// A buffer is the totals and the values after them.
void CombineBuffers(const float* in, float* in_out, size_t size) {
  StoreTotals(Combine(LoadTotals(in), LoadTotals(in_out)), in_out);
  for (size_t i = kTotalsFloats; i < size; ++i) {
    in_out[i] = Sum(in[i], in_out[i]);
  }
}

// MPI_User_function. An element of the type is a whole buffer, so MPI cannot cut it.
void CombineElements(void* in, void* in_out, int* count, MPI_Datatype* type) {
  MPI_Count bytes = 0;
  MPI_Type_size_x(*type, &bytes);
  const size_t size = static_cast<size_t>(bytes) / sizeof(float);
  for (int i = 0; i < *count; ++i) {
    CombineBuffers(static_cast<const float*>(in) + i * size, static_cast<float*>(in_out) + i * size,
                   size);
  }
}

}  // namespace

struct Collective::Reduction {
  Reduction() { MPI_Op_create(CombineElements, /*commute=*/1, &combine); }
  ~Reduction() {
    Resize(0);
    MPI_Op_free(&combine);
  }

  void Resize(size_t size) {
    if (size == buffer.size()) {
      return;
    }
    if (type != MPI_DATATYPE_NULL) {
      MPI_Type_free(&type);
    }
    if (size > 0) {
      MPI_Type_contiguous(static_cast<int>(size), MPI_FLOAT, &type);
      MPI_Type_commit(&type);
    }
    buffer = std::vector<float>(size);
  }

  MPI_Op combine = MPI_OP_NULL;
  MPI_Datatype type = MPI_DATATYPE_NULL;
  std::vector<float> buffer;
};

Collective::Collective() {
  if (!IsLaunchedByMpi()) {
    return;
  }
  int provided = 0;
  // The client has threads of its own, which leave MPI alone.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  reduction_ = std::make_unique<Reduction>();
}

Collective::~Collective() {
  if (reduction_ != nullptr) {
    reduction_.reset();
    MPI_Finalize();
  }
}

void Collective::Broadcast(std::string& bytes, int root) const {
  if (size_ == 1) {
    return;
  }
  uint64_t size = bytes.size();
  MPI_Bcast(&size, 1, MPI_UINT64_T, root, MPI_COMM_WORLD);
  bytes.resize(size);
  for (size_t begin = 0; begin < size; begin += kMostBytesAtOnce) {
    MPI_Bcast(bytes.data() + begin, static_cast<int>(std::min(kMostBytesAtOnce, size - begin)),
              MPI_BYTE, root, MPI_COMM_WORLD);
  }
}

Collective::Extremes Collective::ExtremesOf(uint64_t value) const {
  if (size_ == 1) {
    return {value, value};
  }
  // The complement's greatest is the least's complement.
  uint64_t both[] = {~value, value};
  MPI_Allreduce(MPI_IN_PLACE, both, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  return {.least = ~both[0], .greatest = both[1]};
}

void Collective::AllReduce(absl::Span<float> values, StepTotals& totals) {
  if (size_ == 1) {
    return;
  }
  reduction_->Resize(kTotalsFloats + values.size());
  float* const buffer = reduction_->buffer.data();
  StoreTotals(totals, buffer);
  std::copy(values.begin(), values.end(), buffer + kTotalsFloats);
  MPI_Allreduce(MPI_IN_PLACE, buffer, 1, reduction_->type, reduction_->combine, MPI_COMM_WORLD);
  totals = LoadTotals(buffer);
  std::copy_n(buffer + kTotalsFloats, values.size(), values.begin());
}

}  // namespace lehr
