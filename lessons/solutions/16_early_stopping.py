"""A solution of exercise 16: Early stopping."""


def stopped_at(costs, patience):
    best, waited = 0, 0
    for epoch in range(1, len(costs)):
        if costs[epoch] < costs[best]:
            best, waited = epoch, 0
        else:
            waited += 1
        # Whatever comes later would never have been seen.
        if waited == patience:
            break
    return best
