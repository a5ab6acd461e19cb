"""A stand-in for Discord: REST v10 and gateway v10 on loopback, and people who use the bot.

async with DiscordStandIn(token="…") as discord:
    guild = discord.add_guild("Sandbox")
    general = guild.add_text_channel("general")
    alice = guild.add_member("alice")
    # start a bot against discord.api_url and discord.gateway_url
    await discord.bot_ready()
    use = await alice.slash("play", {"query": "morning"}, channel=general)
    await use.answered()
    print(use.messages[0].text)
"""

from .channels import Channel
from .guilds import Guild
from .intents import Intent
from .interactions import Interaction
from .members import Member
from .messages import Message
from .people import User
from .permissions import Permission, Role
from .rest import Record
from .server import DiscordStandIn
from .voice import VoiceCredentials

__all__ = [
    "Channel",
    "DiscordStandIn",
    "Guild",
    "Intent",
    "Interaction",
    "Member",
    "Message",
    "Permission",
    "Record",
    "Role",
    "User",
    "VoiceCredentials",
]
