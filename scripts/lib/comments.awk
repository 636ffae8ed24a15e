# Prints the comments of the package's own declarations that say again what the protocol says of the requirement, those
# of any declaration that begin as half a question or hide an error in a sentence, and declarations for others (public,
# package) whose comments do not say what they throw.
BEGIN {
  asked = "^ */// (What|How|Which|Where|Whether|Why) "
  said = "^ */// (The keys, in the order in which they are written"
  said = said "|The (name|word)( as written)? in (`.*`|YAML|a configuration)"
  said = said "|Makes the (options|section|loss|metric|choice|codec|schedule|layer|rule)( with (its|their) defaults)?"
  said = said "|Faults that concern several keys at once|Adds a batch|The options that the layer was made from|None)[.]$"
}
FNR == 1 { last = ""; first = ""; throws = 0; head = "" }
/^ *@/ { next }
/^ *\/\/\// {
  if (last !~ /^ *\/\/\//) { first = $0; throws = 0 }
  if ($0 ~ /^ *\/\/\/ - Throws: /) throws = 1
}
/^ *\/\/\/ (.*[.;] )?[Tt]hrows `/ {
  print FILENAME ":" FNR ": say it on a line of its own: - Throws: ..."
  found = 1
}
# The head of a declaration goes on until its body or the end of a requirement.
# A requirement that is met without a comment has its protocol's, and what does nothing throws nothing.
/^ *(public|package) .*(func |init[(<?])/ {
  head = $0
  start = FNR
  said_throws = throws || (last !~ /^ *\/\/\// && $1 == "package")
}
head != "" && FNR > start { head = head " " $0 }
head != "" && (/[{]/ || /^ *$/) {
  # What a closure among the parameters throws is its own.
  while (gsub(/[(][^()]*[)]/, "@", head)) {}
  if (head ~ /@ (re)?throws/ && head !~ /[{][}]$/ && !said_throws) {
    print FILENAME ":" start ": throws, and its comment does not say what: - Throws: ..."
    found = 1
  }
  head = ""
}
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
