#include "ecphory/compute/blas.hpp"

#ifdef ECPHORY_OPENBLAS
extern "C" {
char* openblas_get_config();
char* openblas_get_corename();
int openblas_get_num_threads();
void openblas_set_num_threads(int threads);
}
#endif

namespace ecphory::compute {
namespace {

thread_local int tf32_wanted = 0;

}  // namespace

Tf32Products::Tf32Products() { ++tf32_wanted; }
Tf32Products::~Tf32Products() { --tf32_wanted; }
bool Tf32Products::wanted() { return tf32_wanted > 0; }

#ifdef ECPHORY_OPENBLAS
std::string blas_name() { return openblas_get_config(); }
bool has_small_kernels() {
  static const bool known = [] {
    const std::string core = openblas_get_corename();
    return core == "SkylakeX" || core == "Cooperlake" || core == "Sapphirerapids";
  }();
  return known;
}
SingleThreadedBlas::SingleThreadedBlas() : threads_before_(openblas_get_num_threads()) {
  openblas_set_num_threads(1);
}
SingleThreadedBlas::~SingleThreadedBlas() { openblas_set_num_threads(threads_before_); }
#else
std::string blas_name() { return "Eigen"; }
bool has_small_kernels() { return false; }
SingleThreadedBlas::SingleThreadedBlas() : threads_before_(0) {}
SingleThreadedBlas::~SingleThreadedBlas() = default;
#endif

}  // namespace ecphory::compute
