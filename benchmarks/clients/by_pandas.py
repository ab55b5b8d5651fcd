"""The shipped model in pandas, as an analyst would write it in a notebook."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

DAY = 86_400_000_000


def main(folder: str, now: int, out: str) -> None:
    """Score and write Parquet."""
    people = pd.read_parquet(f"{folder}/people.parquet").set_index("person")
    wanted = ["person", "type", "url", "asset", "form", "time", "machine"]
    done = pd.read_parquet(f"{folder}/activities.parquet", columns=wanted)
    done = done[(done["time"] <= now) & ~done["machine"]]
    age = now - done["time"]

    def worth(chosen: pd.Series, points: float, days: int) -> pd.Series:
        some = points * np.exp(age[chosen] * (-np.log(2) / (days * DAY)))
        return some.groupby(done["person"][chosen]).sum().reindex(people.index, fill_value=0.0)

    def daily(chosen: pd.Series, points: float, days: int, times: int) -> pd.Series:
        some = done[chosen]
        units = some.groupby([some["person"], some["time"] // DAY]).size().clip(upper=times)
        aged = now - units.index.get_level_values(1).to_numpy() * DAY
        value = units * points * np.exp(aged * (-np.log(2) / (days * DAY)))
        return value.groupby(level=0).sum().reindex(people.index, fill_value=0.0)

    kind, url = done["type"], done["url"].fillna("")
    viewed = kind == "page_view"
    web = (
        daily(viewed & url.str.startswith("/pricing"), 10, 30, 2).clip(upper=24)
        + daily(viewed & url.str.startswith("/product"), 3, 30, 1).clip(upper=9)
        + daily(viewed, 2, 30, 1).clip(upper=8)
        + worth(viewed & url.str.startswith("/careers"), -10, 30).clip(lower=-10)
    ).clip(upper=30)
    got = done[kind == "download"]
    newest = got.groupby([got["person"], got["asset"].fillna("\x01")])["time"].max()
    value = 12 * np.exp((now - newest) * (-np.log(2) / (90 * DAY)))
    downloaded = value.groupby(level=0).sum().reindex(people.index, fill_value=0.0)
    content = (downloaded.clip(upper=20) + worth(kind == "webinar", 10, 90).clip(upper=15)).clip(
        upper=20
    )
    mail = daily(kind == "email_click", 4, 90, 1).clip(upper=8) + worth(
        kind == "email_reply", 10, 90
    )
    contact = worth(kind == "form_submit", 15, 180).clip(upper=25) + worth(
        kind.isin(["meeting", "call"]), 10, 90
    ).clip(upper=20)
    last = done.groupby("person")["time"].max().reindex(people.index)
    quiet = np.where(now - last > 90 * DAY, -10.0, 0.0)
    points = web + content + mail.clip(upper=10) + contact.clip(upper=25) + quiet
    behaviour = (points / 50).clip(0, 1) * 100

    seniority, function = people["seniority"], people["function"]
    size, industry = people["account.employees"], people["account.industry"]
    fit = seniority.map({"vp": 20, "c_level": 20, "director": 16, "manager": 10, "student": -20})
    fit = fit.fillna(0.0).astype(float)
    fit += np.select(
        [size >= 5001, size >= 501, size >= 51, size >= 11], [12.0, 20.0, 14.0, 6.0], 0.0
    )
    fit += 12.0 * industry.str.contains("software|manufactur|logistic|retail|financ|insur").fillna(
        value=False
    ).astype(bool)
    fit += function.isin(["operations", "it", "purchasing"]) * 8.0
    fit += function.isin(["finance", "engineering", "sales"]) * 4.0
    fit = (fit / 60).clip(0, 1) * 100
    unknown = seniority.isna() & function.isna() & size.isna() & industry.isna()
    total = np.where(unknown, behaviour, (fit * 60 + behaviour * 40) / 100)
    total = np.floor(total * 1e9 + 0.5) / 1e9
    pd.DataFrame({"fit": fit, "behaviour": behaviour, "total": total}).reset_index().to_parquet(out)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
