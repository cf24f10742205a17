"""The command line: one module per noun, and the commands that run the service."""

import typer

from . import audit, data, evals, feedback, keys, prompts, service, switches

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)
for command in (service.demo, service.serve, service.migrate):
    app.command()(command)
for group in (data, prompts, evals, feedback, audit, keys, switches):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
