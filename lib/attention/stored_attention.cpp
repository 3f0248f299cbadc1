#include "ecphory/attention/stored_attention.hpp"

#include "ecphory/compute/bias.hpp"
#include "ecphory/compute/fill.hpp"
#include "ecphory/compute/gated_sum.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::Transpose;
using compute::View;

namespace {

template <class Real>
Array<Real> on(compute::Device device, const typename StoredHead<Real>::Vector& vector) {
  if (vector.size() == 0) return {};
  Array<Real> array({vector.size(), 1});
  array.matrix() = vector;
  return array.to(device);
}

}  // namespace

template <class Real>
void check(const StoredAttention<Real>& layer) {
  const Index width = layer.width();
  base::ensure(layer.gate.size() == width && layer.input.size() == width,
               "gates and input have one number of each row");
  for (const StoredHead<Real>& head : layer.heads) {
    base::ensure(
        head.keys != nullptr && head.values != nullptr && head.keys->columns() == head.values->columns(),
        "every key has a value");
    base::ensure(head.query >= 0 && head.query + head.keys->rows() <= width && head.output >= 0 &&
                     head.output + head.values->rows() <= width,
                 "heads ask with rows of the state and answer to rows of it");
    base::ensure(head.bias.size() == 0 || head.bias.size() == head.memories(),
                 "a bias has one number of each memory");
  }
}

template <class Real>
StoredAttentionStack<Real>::StoredAttentionStack(const StoredAttention<Real>& layer, Index columns,
                                                 compute::Device device)
    : keep_(on<Real>(device, layer.keep)),
      gate_(on<Real>(device, layer.gate)),
      input_(on<Real>(device, layer.input)),
      drive_({layer.width(), columns}, device) {
  check(layer);
  for (const StoredHead<Real>& head : layer.heads) {
    heads_.push_back({.beta = static_cast<Real>(head.beta),
                      .query = head.query,
                      .output = head.output,
                      .keys = head.keys->to(device),
                      .values = head.tied() ? Array<Real>() : head.values->to(device),
                      .bias = on<Real>(device, head.bias),
                      .p = Array<Real>({head.memories(), columns}, device)});
  }
}

template <class Real>
void StoredAttentionStack<Real>::forward(View<Real> x) {
  base::ensure(x.rows == drive_.rows() && x.columns <= drive_.columns(), "there is room for the state");
  columns_ = x.columns;
  const View<Real> drive = View<Real>(drive_).middle_columns(0, columns_);
  compute::fill(Real{0}, drive);
  compute::add_bias<Real>(input_, drive);
  for (Head& head : heads_) {
    const View<Real> p = View<Real>(head.p).middle_columns(0, columns_);
    const Array<Real>& values = head.values.size() > 0 ? head.values : head.keys;
    compute::gemm<Real>(Transpose::yes, Transpose::no, 1, head.keys,
                        x.middle_rows(head.query, head.keys.rows()), 0, p);
    if (head.bias.size() > 0) compute::add_bias<Real>(head.bias, p);
    compute::softmax<Real>(head.beta, p, p);
    compute::gemm<Real>(Transpose::no, Transpose::no, 1, values, p, 1,
                        drive.middle_rows(head.output, values.rows()));
  }
  compute::gated_sum<Real>(keep_, gate_, drive, x);
}

template <class Real>
View<const Real> StoredAttentionStack<Real>::attention(Index head) const {
  return View<const Real>(heads_.at(static_cast<std::size_t>(head)).p).middle_columns(0, columns_);
}

template struct StoredHead<float>;
template struct StoredHead<double>;
template void check<float>(const StoredAttention<float>&);
template void check<double>(const StoredAttention<double>&);
template class StoredAttentionStack<float>;
template class StoredAttentionStack<double>;

}  // namespace ecphory::attention
