"""Confidence bounds of the quantile of a metric, of all groups of a pass at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.statistics.options import StatisticsOptions
from pipeline.targets.order_statistics import lower_rank, rank_quantile, upper_rank

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.targets.figures import Figures, Group, Pass, Row
    from pipeline.targets.target_file import Target

_QUANTILES_OF_A_PASS = 64


class _Ranked(NamedTuple):
    """The bound of so many samples.

    Attributes:
        rank: of the sample that it is, from 1 on.
        quantile: of which that sample is the value, or lies next to it.
        is_exact: whether it is the value.
    """

    rank: int
    quantile: Decimal
    is_exact: bool


class Bounds:
    """Gives the confidence bounds that targets ask for, each pass once."""

    def __init__(self, figures: Figures) -> None:
        """Take the figures."""
        self._figures = figures
        self._known: dict[tuple[Pass, str, Decimal | None, float | None, bool], dict[Group, float]] = {}

    def bound(self, target: Target, of: Pass, group: Group) -> float | None:
        """Give the bound of a quantile of a group; None where the group has too few samples, or mixed units.

        Args:
            target: says which quantile, with which confidence, and on which side.
            of: the pass that says how lost samples count.
            group: the group.
        """
        key = (of, target.metric, target.figure.quantile, target.confidence, target.limit.is_upper)
        if key not in self._known:
            self._known[key] = self._bounds(target, of)
        return self._known[key].get(group)

    def _bounds(self, target: Target, of: Pass) -> dict[Group, float]:
        quantile = str(target.figure.quantile)
        rows = {
            group: found[0]
            for group, found in self._figures.rows_for(of, target.metric, quantile).items()
            if len(found) == 1 and group.metric == target.metric
        }
        by_size = {size: _ranked(target, size) for size in {_size(row, of) for row in rows.values()}}
        ranked = {group: found for group, row in rows.items() if (found := by_size[_size(row, of)]) is not None}
        quantiles = sorted({one.quantile for one in ranked.values()})
        bounds, order_statistic = {}, self._figures.order_statistic
        for start in range(0, len(quantiles), _QUANTILES_OF_A_PASS):
            some = quantiles[start : start + _QUANTILES_OF_A_PASS]
            columns = _columns(some)
            with_some = self._figures.rows_with(of, target.metric, [str(one) for one in some])
            for group, one in ranked.items():
                if one.quantile in columns:
                    (row,) = with_some[group]
                    value = float(row[columns[one.quantile]])
                    bounds[group] = order_statistic(of, group, row, one.rank, value, is_exact=one.is_exact)
        return bounds


def _ranked(target: Target, size: int) -> _Ranked | None:
    rank_of = upper_rank if target.limit.is_upper else lower_rank
    rank = rank_of(size, float(target.figure.quantile or 0), target.confidence or 0) if size else None
    return None if rank is None else _Ranked(rank, *rank_quantile(rank, size))


def _columns(quantiles: list[Decimal]) -> dict[Decimal, str]:
    """Give the columns of quantiles."""
    options = StatisticsOptions(quantiles=tuple(map(str, quantiles)))
    names = {number: name for name, number in options.quantile_columns.items()}
    return {one: names[float(one)] for one in quantiles}


def _size(row: Row, of: Pass) -> int:
    """Number of samples that have a rank."""
    return int(row["count"] + (row["null_count"] if of.lost == "infinite" else 0))
