"""`dealcast demo`: the whole road on a simulated company."""

from __future__ import annotations

import argparse
import shlex

from crm.errors import DONE
from pipelines import terminal
from pipelines.demo import STEPS, demo
from pipelines.options import home_of, home_option, say, spoken
from pipelines.progress import Steps
from pipelines.reports import deals, training


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    home_option(parser)
    parser.add_argument("--deals", type=int, default=5000, metavar="N", help="how many deals (default: 5000)")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="another seed, another company")


def run(options: argparse.Namespace) -> int:
    """Run the demo."""
    home = home_of(options)
    with Steps("demo", STEPS) as step:
        result = demo(home, options.deals, options.seed, step)
    at, data = shlex.quote(str(home.path)), shlex.quote(str(result.data))
    say(training.training_summary(result.trained), "", "=" * terminal.WIDTH, "")
    say(deals.deal_list(result.scored), "")
    dealcast = spoken("dealcast")
    first = result.scored.scores["opportunity_id"].iloc[0]
    say(
        "What next",
        f"  {dealcast} explain {first} --home {at}",
        "      the first deal of the list in full",
        f"  {dealcast} serve --home {at}",
        f"      the pages; sign in as {', '.join(one.username for one in result.accounts[:-1])} or "
        f"{result.accounts[-1].username} with {result.password}",
        f"  {dealcast} forecast --data {data} --home {at}",
        "      what this quarter and the next bring, for each manager",
        f"  {dealcast} check --data {data} --home {at}",
        "      what was read, set aside, and can be learned from",
        f"  {spoken('mlflow')} ui --backend-store-uri sqlite:///{shlex.quote(str(home.path / 'mlflow.db'))}",
        "      the training run with its scores and plots",
        f"  {dealcast} check --data YOUR-EXPORT --home your-home",
        "      the same on your own CRM (docs/your-data.md)",
    )
    return DONE
