"""``detmetrics rules`` and ``detmetrics rules show``."""

from __future__ import annotations

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.foundation.errors import RulesError

__all__ = ["rules"]

EXAMPLES = f"""\b
Examples:
  detmetrics rules
  detmetrics rules show voc2007
  detmetrics rules show voc2007 --toml > mine.toml
  detmetrics evaluate val.json predictions.json --rules mine.toml

{exit_codes()}
"""


@click.group(epilog=EXAMPLES, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print all of them with all settings.")
@click.pass_context
def rules(ctx: click.Context, as_json: bool) -> None:
    """List the rule sets, a line each."""
    if ctx.invoked_subcommand:
        if as_json:
            raise click.UsageError("--json stands behind show NAME")
        return
    from detmetrics.reports.rules import names_text, sets_json

    click.echo(sets_json() if as_json else names_text(), nl=False)


@rules.command(epilog=EXAMPLES)
@click.argument("name", metavar="NAME|FILE")
@click.option("--toml", is_flag=True, help="As a complete TOML file, which --rules reads back.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(name: str, toml: bool, as_json: bool) -> None:
    """Show the settings of a rule set, and where they differ from COCO's."""
    from detmetrics.reports.rules import rules_json, rules_text
    from detmetrics.rules.toml import rule_set, to_toml

    if toml and as_json:
        raise click.UsageError("choose one of --toml and --json")
    try:
        chosen = rule_set(name)
    except RulesError as error:
        raise click.UsageError(str(error)) from None
    written = to_toml if toml else rules_json if as_json else rules_text
    click.echo(written(chosen), nl=False)
