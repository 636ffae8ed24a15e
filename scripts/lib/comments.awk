# Prints the comments of the package's own declarations that say again what the protocol says of the requirement, and
# those of any declaration that begin as half a question.
BEGIN {
  asked = "^ */// (What|How|Which|Where|Whether|Why) "
  said = "^ */// (The keys, in the order in which they are written"
  said = said "|The (name|word)( as written)? in (`.*`|YAML|a configuration)"
  said = said "|Makes the (options|section|loss|metric|choice|codec|schedule|layer|rule)( with (its|their) defaults)?"
  said = said "|Faults that concern several keys at once|The options that the layer was made from|None)[.]$"
}
FNR == 1 { last = ""; first = "" }
/^ *@/ { next }
/^ *\/\/\// { if (last !~ /^ *\/\/\//) first = $0 }
last ~ /^ *\/\/\// && first ~ asked && !/^ *\/\/\// {
  print FILENAME ":" FNR - 1 ": begins as half a question: name the thing, or say what it does"
  found = 1
}
last ~ said && /^ *package / {
  print FILENAME ":" FNR - 1 ": says again what the protocol says: leave the comment out"
  found = 1
}
{ last = $0 }
END { exit found }
