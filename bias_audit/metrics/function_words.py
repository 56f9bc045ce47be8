"""Words of grammar: they fill any sentence and say nothing about the people in it.

A language without a list here has none of its words left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_EN = """
a an the this that these those such same other another each every either neither both all any some
no none one ones two first last next own much many more most few fewer less least several enough
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself
she her hers herself it its itself they them their theirs themselves who whom whose which what
whoever whatever someone somebody something anyone anybody anything everyone everybody everything
nobody nothing there here then now thus so too very quite rather just only even also still again
ever never always often once already yet soon almost perhaps maybe well back away up down out off
in on at by for from with without within into onto upon over under above below between among through
during before after since until till about around against along across behind beside besides beyond
near toward towards of to as than like via per and or but nor if because although though while
whereas unless whether when where why how not be am is are was were been being have has had having
do does did done doing can could may might must shall should will would ought let s t ll re ve d m
"""
_DE = """
der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner dieser
diese dieses diesen diesem jener jene jenes jeder jede jedes alle allen aller alles viel viele mehr
wenig wenige einige manche beide andere anderen anderer ich mich mir mein meine wir uns unser unsere
du dich dir dein deine ihr euch euer er ihn ihm sein seine seinen seinem seiner sie ihnen ihre ihren
ihrem ihrer es sich man wer wen wem wessen was welcher welche welches jemand niemand etwas nichts da
hier dort dann nun jetzt so sehr ganz nur auch noch schon immer nie oft wieder einmal bald fast
vielleicht in im an am auf aus bei beim bis durch für gegen hinter mit nach neben ohne seit über um
unter von vom vor während wegen zu zum zur zwischen und oder aber denn sondern wenn weil dass ob als
wie wo warum nicht bin bist ist sind seid war waren wurde wurden werden wird worden gewesen habe hat
haben hatte hatten kann können konnte muss müssen musste soll sollte will wollte darf durfte mag
"""
FUNCTION_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"en": frozenset(_EN.split()), "de": frozenset(_DE.split())}
)
"""Lower-case function words by language."""
