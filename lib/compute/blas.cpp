#include "ecphory/compute/blas.hpp"

#ifdef ECPHORY_OPENBLAS
extern "C" {
char* openblas_get_config();
int openblas_get_num_threads();
void openblas_set_num_threads(int threads);
}
#endif

namespace ecphory::compute {

#ifdef ECPHORY_OPENBLAS
std::string blas_name() { return openblas_get_config(); }
SingleThreadedBlas::SingleThreadedBlas() : threads_before_(openblas_get_num_threads()) {
  openblas_set_num_threads(1);
}
SingleThreadedBlas::~SingleThreadedBlas() { openblas_set_num_threads(threads_before_); }
#else
std::string blas_name() { return "Eigen"; }
SingleThreadedBlas::SingleThreadedBlas() : threads_before_(0) {}
SingleThreadedBlas::~SingleThreadedBlas() = default;
#endif

}  // namespace ecphory::compute
