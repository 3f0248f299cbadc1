#pragma once
// States that are one but for rounding.

#include <Eigen/Core>
#include <vector>

namespace ecphory::landscape {

/// Groups of states that lie together.
struct Groups {
  std::vector<Eigen::Index> group;  ///< of every state; −1 for one that takes no part
  std::vector<Eigen::Index> first;  ///< of every group: the state that founded it, its lowest number
};

/// Goes through the columns of `states` (rows, n) in order; each joins the nearest founder within `distance`
/// (‖x − y‖ / √rows) or founds a group. Those with takes_part[j] == 0, or that are not finite, are left out.
/// Founders are sorted by their projection on one direction, on which no two states are further apart than
/// they are in full, so that few pairs are compared. Bug unless takes_part has n elements.
Groups merge(const Eigen::MatrixXd& states, double distance, const std::vector<char>& takes_part);

}  // namespace ecphory::landscape
