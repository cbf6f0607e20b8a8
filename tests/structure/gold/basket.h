#pragma once
#include <vector>

namespace shop {

/// A basket of goods, as a customer carries it through the shop.
template <typename Item>
class Basket : public Container {
 public:
  /// Adds an item and tells how many there are now.
  size_t add(const Item& item) {
    items_.push_back(item);
    count_ += 1;
    return items_.size();
  }

  // -- Prices ---------------------------------------------

  /// What all of them cost together, without any discount.
  double total() const {
    double sum = 0;
    for (const Item& item : items_) {
      sum += item.price() * item.number();
    }
    return sum;
  }

 private:
  std::vector<Item> items_;
  size_t count_ = 0;
};

}
