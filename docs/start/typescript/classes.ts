// #region class
class Counter {
  static readonly START = 0
  #count = Counter.START

  increase(by = 1): void {
    this.#count += by
  }

  get count(): number {
    return this.#count
  }
}

const visits = new Counter()
visits.increase()
visits.increase(2)
console.log(visits.count)
// #endregion

// #region declare
class Row {
  constructor(columns: object) {
    Object.assign(this, columns)
  }
}

class WithField extends Row {
  id?: number
}

class WithDeclare extends Row {
  declare id: number
}

console.log(new WithField({ id: 7 }).id, new WithDeclare({ id: 7 }).id)
// #endregion
