"""The command line: one module per noun, and the two commands that run the service."""

import typer

from . import audit, data, demo, evals, feedback, keys, migrate, prompts, serve, switches

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
for group in (data, prompts, evals, feedback, audit, keys, switches):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
